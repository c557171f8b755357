package lint

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"
)

// onlyChanged keeps the files that differ from a revision, and those that reach them
// by import at any depth.
func (s *sources) onlyChanged(ctx context.Context, revision string) error {
	changed, err := s.changedFiles(ctx, revision)
	if err != nil {
		return err
	}
	s.python = reached(s.python, changed, func(n string) []string {
		src, err := s.readFile(n)
		if err != nil {
			return nil
		}
		return pythonImports(n, src, s.exists)
	})
	folders := map[string]bool{}
	for f := range changed {
		if path.Ext(f) == ".go" || path.Base(f) == "go.mod" {
			folders[path.Dir(f)] = true
		}
	}
	s.golang = s.reachedGo(folders)
	return nil
}

// changedFiles asks git. A revision that would be read as an option is refused.
func (s *sources) changedFiles(ctx context.Context, revision string) (map[string]bool, error) {
	if strings.HasPrefix(revision, "-") {
		return nil, fmt.Errorf("revision %q: want a commit, branch or tag", revision)
	}
	changed := map[string]bool{}
	for _, args := range [][]string{
		{"diff", "--name-only", "--relative", "-z", revision, "--"},
		{"ls-files", "--others", "--exclude-standard", "-z"},
	} {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", s.dir}, args...)...)
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("ask git what has changed since %s: %w: %s", revision, err, strings.TrimSpace(complaint.String()))
		}
		for name := range strings.SplitSeq(string(out), "\x00") {
			if name != "" {
				changed[name] = true
			}
		}
	}
	return changed, nil
}

// reached are the names that are changed or lead, by links, to a changed one.
func reached(names []string, changed map[string]bool, links func(string) []string) []string {
	back := map[string][]string{}
	var todo []string
	hit := map[string]bool{}
	for _, n := range names {
		for _, to := range links(n) {
			back[to] = append(back[to], n)
		}
	}
	for n := range changed {
		todo, hit[n] = append(todo, n), true
	}
	for len(todo) > 0 {
		for _, n := range back[todo[0]] {
			if !hit[n] {
				hit[n] = true
				todo = append(todo, n)
			}
		}
		todo = todo[1:]
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !hit[n] })
}

// reachedGo are the Go files of packages that are changed or import a changed one.
func (s *sources) reachedGo(changed map[string]bool) []string {
	files := byFolder(s.golang)
	folders := make([]string, 0, len(files))
	for f := range files {
		folders = append(folders, f)
	}
	keep := reached(folders, changed, func(dir string) []string {
		module := s.module(dir)
		var to []string
		for _, n := range files[dir] {
			to = append(to, s.goImports(n, modulePath(module), s.rel(module))...)
		}
		return to
	})
	return slices.DeleteFunc(s.golang, func(n string) bool { return !slices.Contains(keep, path.Dir(n)) })
}
