package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/reeve-run/reeve/lint/rule"
)

// Entry is one regular file. Path is below the file system's root, with slashes.
type Entry struct {
	Path string `json:"path"`
	Size int64  `json:"size"` // bytes
}

// Walk lists the files below start, a path inside fsys, in the order of their names. The
// .gitignore files of the folders above start count as well.
func Walk(ctx context.Context, fsys fs.FS, start string) ([]Entry, []rule.Skipped, error) {
	w := &walk{ctx: ctx, fsys: fsys}
	start = path.Clean(start)
	info, err := fs.Stat(fsys, start)
	if err != nil {
		return nil, nil, fmt.Errorf("look at %s: %w", start, err)
	}
	if !info.IsDir() {
		return []Entry{{Path: start, Size: info.Size()}}, nil, nil
	}
	for _, dir := range above(start) {
		w.readIgnore(dir)
	}
	err = w.folder(start)
	return w.found, w.skipped, err
}

// above are the folders that start lies in, outermost first, without start.
func above(start string) []string {
	var dirs []string
	for dir := start; dir != "."; {
		dir = path.Dir(dir)
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}

type walk struct {
	ctx     context.Context //nolint:containedctx // it lives as long as the call of Walk
	fsys    fs.FS
	ignore  []ignoreFile
	found   []Entry
	skipped []rule.Skipped
}

func (w *walk) readIgnore(dir string) {
	text, err := fs.ReadFile(w.fsys, path.Join(dir, ".gitignore"))
	if err == nil {
		w.ignore = append(w.ignore, parseIgnore(dir, string(text)))
	}
}

func (w *walk) folder(dir string) error {
	if err := w.ctx.Err(); err != nil {
		return context.Cause(w.ctx)
	}
	entries, err := fs.ReadDir(w.fsys, dir)
	if err != nil {
		w.skip(dir, reason(err))
		return nil
	}
	depth := len(w.ignore)
	w.readIgnore(dir)
	defer func() { w.ignore = w.ignore[:depth] }()
	for _, e := range entries {
		if err := w.entry(path.Join(dir, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(name string, e fs.DirEntry) error {
	switch {
	case ignored(w.ignore, name, e.IsDir()):
		return nil
	case e.Type()&fs.ModeSymlink != 0:
		w.skip(name, "is a symbolic link")
		return nil
	case e.IsDir():
		if leftOut(name) || w.environment(name) {
			return nil
		}
		return w.folder(name)
	case !e.Type().IsRegular():
		return nil
	}
	info, err := e.Info()
	if err != nil {
		w.skip(name, reason(err))
		return nil
	}
	w.found = append(w.found, Entry{Path: name, Size: info.Size()})
	return nil
}

// environment says whether the folder is a Python virtual environment.
func (w *walk) environment(dir string) bool {
	_, err := fs.Stat(w.fsys, path.Join(dir, "pyvenv.cfg"))
	return err == nil
}

func (w *walk) skip(name, why string) {
	w.skipped = append(w.skipped, rule.Skipped{Path: name, Reason: why})
}

func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	return "cannot be read: " + strings.TrimPrefix(err.Error(), "open ")
}
