package review

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/lint"
	"github.com/reeve-run/reeve/lint/tree"
)

// Inventory is what is there: how much of which language, and the parts that it is
// scanned in. Path is relative to Base, the root that it lies in.
type Inventory struct {
	Base      string         `json:"base"`
	Path      string         `json:"path"`
	Files     int            `json:"files"`
	Bytes     int64          `json:"bytes"`
	Languages []Language     `json:"languages"`
	Packages  int            `json:"packages"` // folders with Go or Python in them
	Parts     []part         `json:"parts"`
	Skipped   []lint.Skipped `json:"skipped"`
}

// Language is the files of one language, by their names' endings.
type Language struct {
	Name  string `json:"name"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// part is what one scan looks at: folders and files below Base.
type part struct {
	Name  string   `json:"name"`
	Base  string   `json:"base"`
	Paths []string `json:"paths"`
	files int
}

// Small neighbours are joined to parts of smallPart files of code, or of the tree's
// files by fewParts, whichever is more: each part costs a start of the go command or
// of python3.
const (
	smallPart = 40
	fewParts  = 5
)

var languages = map[string]string{
	".go": "Go", ".py": "Python", ".js": "JavaScript", ".ts": "TypeScript", ".tsx": "TypeScript", ".java": "Java",
	".rs": "Rust", ".rb": "Ruby", ".c": "C", ".h": "C", ".cc": "C++", ".cpp": "C++", ".cs": "C#", ".kt": "Kotlin",
	".swift": "Swift", ".php": "PHP", ".sql": "SQL", ".sh": "Shell", ".html": "HTML", ".css": "CSS", ".md": "Markdown",
	".json": "JSON", ".yaml": "YAML", ".yml": "YAML", ".toml": "TOML", ".proto": "Protocol Buffers",
}

func (c *crew) takeInventory(ctx agent.Context, in Input) (Inventory, error) {
	return agent.Step(ctx, "walk", func(ctx context.Context) (Inventory, error) {
		root, rel, err := c.allowed(in.Path)
		if err != nil {
			return Inventory{}, agent.Permanent(err)
		}
		r, err := os.OpenRoot(root)
		if err != nil {
			return Inventory{}, fmt.Errorf("open root %s: %w", root, err)
		}
		defer r.Close()
		rel = filepath.ToSlash(rel)
		entries, skipped, err := tree.Walk(ctx, r.FS(), rel)
		if err != nil {
			return Inventory{}, err
		}
		inv := count(entries)
		inv.Base, inv.Path, inv.Skipped = root, rel, skipped
		inv.Parts = parts(root, entries)
		return inv, nil
	})
}

func count(entries []tree.Entry) Inventory {
	inv := Inventory{Files: len(entries)}
	by, folders := map[string]*Language{}, map[string]bool{}
	for _, e := range entries {
		inv.Bytes += e.Size
		name, ok := languages[strings.ToLower(path.Ext(e.Path))]
		if !ok {
			continue
		}
		if by[name] == nil {
			by[name] = &Language{Name: name}
		}
		by[name].Files++
		by[name].Bytes += e.Size
		if code(e.Path) {
			folders[path.Dir(e.Path)] = true
		}
	}
	inv.Packages = len(folders)
	for _, l := range by {
		inv.Languages = append(inv.Languages, *l)
	}
	slices.SortFunc(inv.Languages, func(a, b Language) int {
		if a.Bytes != b.Bytes {
			return int(min(1, max(-1, b.Bytes-a.Bytes)))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return inv
}

func code(name string) bool { return path.Ext(name) == ".go" || path.Ext(name) == ".py" }

// parts cuts the tree at the folders below its first fork. What belongs together is
// resolved together, and an interpreter or a compiler is not started for a handful
// of files: small neighbours share a part.
func parts(root string, entries []tree.Entry) []part {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e tree.Entry) bool { return !code(e.Path) })
	if len(entries) == 0 {
		return []part{}
	}
	top := fork(entries)
	small := max(smallPart, len(entries)/fewParts)
	files := map[string]int{}
	for _, e := range entries {
		files[below(top, e.Path)]++
	}
	var all []part
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if n := len(all); n > 0 && all[n-1].files+files[name] <= small {
			all[n-1].Paths = append(all[n-1].Paths, name)
			all[n-1].files += files[name]
			continue
		}
		all = append(all, part{Name: name, Base: root, Paths: []string{name}, files: files[name]})
	}
	return all
}

// fork is the deepest folder that all the code lies in.
func fork(entries []tree.Entry) string {
	top := path.Dir(entries[0].Path)
	for _, e := range entries {
		for top != "." && !strings.HasPrefix(e.Path, top+"/") {
			top = path.Dir(top)
		}
	}
	return top
}

// below is the folder or file directly below top that a path lies in.
func below(top, name string) string {
	rest := name
	if top != "." {
		rest = strings.TrimPrefix(name, top+"/")
	}
	first, _, _ := strings.Cut(rest, "/")
	return path.Join(top, first)
}
