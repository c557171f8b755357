package review

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/reeve-run/reeve"
)

// base is the folder that findings are relative to, checked against the roots; the
// path inside it is what was asked for.
func (c *crew) base(path string) (string, error) {
	dir, _, err := c.allowed(path)
	return dir, err
}

// allowed finds the root that the path lies in. It gives the root and the path
// relative to it. Links are followed only as long as they stay inside.
func (c *crew) allowed(path string) (root, rel string, err error) {
	roots := slices.Clone(c.roots)
	if len(roots) == 0 {
		roots = []string{"."}
	}
	for i, r := range roots {
		if roots[i], err = filepath.Abs(r); err != nil {
			return "", "", fmt.Errorf("find root %s: %w", r, err)
		}
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(roots[0], path)
	}
	for _, root := range roots {
		if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
			return root, rel, inside(root, rel)
		}
	}
	return "", "", reeve.Errorf(reeve.CodeForbidden, "path %s is outside the allowed folders: start reeve with --root to allow another", path)
}

// inside opens the path below the root; a link that leads outside is refused by the system's own lookup.
func inside(root, rel string) error {
	r, err := os.OpenRoot(root)
	if err != nil {
		return reeve.Errorf(reeve.CodeInvalid, "root %s: %w", root, err)
	}
	defer r.Close()
	_, err = r.Stat(rel)
	switch {
	case os.IsNotExist(err):
		return reeve.Errorf(reeve.CodeNotFound, "path %s is not there", rel)
	case err != nil:
		return reeve.Errorf(reeve.CodeForbidden, "path %s is refused: %w", rel, err)
	}
	return nil
}
