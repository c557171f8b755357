package lint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reeve-run/reeve/lint/rule"
	"github.com/reeve-run/reeve/lint/tree"
)

// sources is what a call of Vet looks at. Names are relative to dir, with slashes.
type sources struct {
	dir     string // absolute
	root    *os.Root
	modules map[string]string // by folder
	there   map[string]bool   // what exists has found out
	python  []string
	golang  []string
	skipped []rule.Skipped
	late    []rule.Skipped // found unreadable while reading
}

// gather walks the paths and sorts what is there.
func gather(ctx context.Context, o Options) (*sources, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", o.Dir, err)
	}
	s := &sources{dir: dir, modules: map[string]string{}, there: map[string]bool{}}
	if o.Confined {
		if s.root, err = os.OpenRoot(dir); err != nil {
			return nil, fmt.Errorf("open %s: %w", dir, err)
		}
	}
	paths := o.Paths
	if len(paths) == 0 {
		paths = []string{"."}
	}
	for _, p := range paths {
		if err := s.add(ctx, p); err != nil {
			s.close()
			return nil, err
		}
	}
	s.python = slices.Compact(slices.Sorted(slices.Values(s.python)))
	s.golang = slices.Compact(slices.Sorted(slices.Values(s.golang)))
	if o.Changed != "" {
		if err := s.onlyChanged(ctx, o.Changed); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

func (s *sources) close() {
	if s.root != nil {
		_ = s.root.Close() // nothing was written
	}
}

// add takes up one path as the user wrote it.
func (s *sources) add(ctx context.Context, p string) error {
	p, _ = strings.CutSuffix(p, "...")
	p = filepath.Clean(filepath.FromSlash(p))
	if !filepath.IsAbs(p) {
		p = filepath.Join(s.dir, p)
	}
	rel, err := filepath.Rel(s.dir, p)
	if err != nil {
		return fmt.Errorf("path %s: %w", p, err)
	}
	fsys, start, prefix := os.DirFS(s.dir), filepath.ToSlash(rel), ""
	switch {
	case s.root != nil:
		fsys = s.root.FS()
	case !filepath.IsLocal(rel): // outside: walked from its own folder
		fsys, start, prefix = os.DirFS(filepath.Dir(p)), filepath.Base(p), path.Dir(filepath.ToSlash(rel))
	}
	if s.root != nil && !filepath.IsLocal(rel) {
		return fmt.Errorf("path %s is outside %s", p, s.dir)
	}
	entries, skipped, err := tree.Walk(ctx, fsys, start)
	if err != nil {
		return err
	}
	s.sort(prefix, start, entries, skipped)
	return nil
}

func (s *sources) sort(prefix, start string, entries []tree.Entry, skipped []rule.Skipped) {
	for _, e := range entries {
		name := path.Join(prefix, e.Path)
		switch ext := path.Ext(name); {
		case ext != ".py" && ext != ".go":
		case ext == ".go" && left(strings.TrimPrefix(e.Path, start)):
		case e.Size > MaxFile:
			s.skipped = append(s.skipped, rule.Skipped{Path: name, Reason: fmt.Sprintf("has %d bytes: at most %d are looked at", e.Size, MaxFile)})
		case ext == ".py":
			s.python = append(s.python, name)
		default:
			s.golang = append(s.golang, name)
		}
	}
	for _, k := range skipped {
		if ext := path.Ext(k.Path); ext == ".py" || ext == ".go" || ext == "" {
			s.skipped = append(s.skipped, rule.Skipped{Path: path.Join(prefix, k.Path), Reason: k.Reason})
		}
	}
}

// left says whether the go command leaves out the file, below where it was told to look.
func left(file string) bool {
	return strings.HasPrefix(file, "_") || strings.Contains(file, "/_")
}

// read reads a file. One that cannot be used is remembered with the reason.
func (s *sources) read(name string) ([]byte, bool) {
	src, err := s.readFile(name)
	switch {
	case err != nil:
		if pe, ok := errors.AsType[*fs.PathError](err); ok {
			err = pe.Err
		}
		s.late = append(s.late, rule.Skipped{Path: name, Reason: "cannot be read: " + err.Error()})
	case len(src) > MaxFile:
		s.late = append(s.late, rule.Skipped{Path: name, Reason: fmt.Sprintf("has %d bytes: at most %d are looked at", len(src), MaxFile)})
	case bytes.IndexByte(src, 0) >= 0:
		s.late = append(s.late, rule.Skipped{Path: name, Reason: "is not text: it has zero bytes"})
	default:
		return src, true
	}
	return nil, false
}

func (s *sources) readFile(name string) ([]byte, error) {
	if s.root != nil {
		return s.root.ReadFile(filepath.FromSlash(name))
	}
	return os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
}

// unread gives what read has set aside since the last call.
func (s *sources) unread() []rule.Skipped {
	late := s.late
	s.late = nil
	return late
}
