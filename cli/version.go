package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what this binary was made from.
type build struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Module   string `json:"module,omitempty"` // the program's own, when it is not reeve's
}

const house = "github.com/reeve-run/reeve"

// thisBuild reads what the go command wrote into the binary.
func thisBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if info.Main.Path == house {
		b.Version = info.Main.Version
		return b
	}
	b.Module = info.Main.Path
	for _, dep := range info.Deps {
		if dep.Path == house {
			b.Version = dep.Version
		}
	}
	return b
}

func (c *command) version() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  reeve version --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			if asJSON {
				return printJSON(c.out, b)
			}
			fmt.Fprintf(c.out, "reeve %s %s %s\n", b.Version, b.Go, b.Platform)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
