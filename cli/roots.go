package cli

import (
	"fmt"
	"os"
	"path/filepath"
)

// checkRoots makes the folders of --root whole; without any it is the working directory.
func checkRoots(dirs []string) ([]string, error) {
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	whole := make([]string, len(dirs))
	for i, dir := range dirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return nil, cannotStart(fmt.Errorf("--root: %w", err))
		}
		info, err := os.Stat(abs)
		if err != nil {
			return nil, cannotStart(fmt.Errorf("--root: %w", err))
		}
		if !info.IsDir() {
			return nil, usage("--root %s is not a folder", dir)
		}
		whole[i] = abs
	}
	return whole, nil
}
