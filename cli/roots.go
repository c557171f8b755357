package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
)

// roots is what --root said. There is one server in a process, and its agents were made
// before its flags were read; so they ask when they run.
var roots atomic.Pointer[[]string]

// Roots is the folders that agents may read: what --root said, else the working directory. It
// is for agents that are made before the command line is read, and may be called at any time.
func Roots() []string {
	if r := roots.Load(); r != nil {
		return *r
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil // nothing may be read
	}
	return []string{dir}
}

// useRoots checks the folders and lets the agents have them.
func useRoots(dirs []string) error {
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	whole := make([]string, len(dirs))
	for i, dir := range dirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return cannotStart(fmt.Errorf("--root: %w", err))
		}
		info, err := os.Stat(abs)
		if err != nil {
			return cannotStart(fmt.Errorf("--root: %w", err))
		}
		if !info.IsDir() {
			return usage("--root %s is not a folder", dir)
		}
		whole[i] = abs
	}
	roots.Store(&whole)
	return nil
}
