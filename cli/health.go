package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/client"
	"github.com/reeve-run/reeve/wire"
)

func (c *command) health() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Say how the server is; the exit status is 0 when it is healthy",
		Example: `  reeve health
  reeve health --url http://127.0.0.1:8000 --json`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, _ []string) error {
		h, err := cl.Health(ctx)
		if err != nil {
			return err
		}
		if err := c.showHealth(h, r.asJSON); err != nil {
			return err
		}
		if h.Status != "healthy" {
			return silent(exitNo)
		}
		return nil
	})
	r.flags(cmd)
	return cmd
}

func (c *command) showHealth(h wire.Health, asJSON bool) error {
	if asJSON {
		return printJSON(c.out, h)
	}
	rows := [][]string{{strings.TrimSpace(h.Status + " " + h.Version)}}
	for _, name := range slices.Sorted(maps.Keys(h.Checks)) {
		check := h.Checks[name]
		sign := "ok"
		if !check.OK {
			sign = "NOT OK"
		}
		rows = append(rows, []string{"  " + name, sign, check.Reason})
		for _, key := range slices.Sorted(maps.Keys(check.Info)) {
			rows = append(rows, []string{"    " + key, check.Info[key]})
		}
	}
	return table(c.out, rows)
}
