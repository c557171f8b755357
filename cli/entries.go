package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/cli/tree"
	"github.com/reeve-run/reeve/client"
)

func (c *command) runsEntries() *cobra.Command {
	var r remote
	var after int64
	var limit int
	cmd := &cobra.Command{
		Use:   "entries RUN",
		Short: "Print a run's entries so far",
		Example: `  reeve runs entries 0198f2c1a7b34e55.1
  reeve runs entries 0198f2c1a7b34e55.1 --after 40 --json`,
		Args: cobra.ExactArgs(1),
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, args []string) error {
		id, err := reeve.ParseRunID(args[0])
		if err != nil {
			return err
		}
		return c.printEntries(ctx, cl, client.From{Run: id, After: after}, limit, r.asJSON)
	})
	r.flags(cmd)
	cmd.Flags().Int64Var(&after, "after", 0, "begin behind this position")
	cmd.Flags().IntVar(&limit, "limit", 0, "at most this many; 0 for all that is there")
	return cmd
}

// printEntries pages through a log and prints it, an entry a line.
func (c *command) printEntries(ctx context.Context, cl *client.Client, from client.From, limit int, asJSON bool) error {
	show := entryPrinter(c.out, asJSON)
	for left := limit; ; {
		from.Limit = 1000
		if limit > 0 {
			from.Limit = min(left, 1000)
		}
		page, err := cl.Entries(ctx, from)
		if err != nil {
			return err
		}
		for _, e := range page.Entries {
			if err := show(e); err != nil {
				return err
			}
			from.After, from.Epoch = e.Seq, e.Epoch
		}
		left -= len(page.Entries)
		if page.Next == "" || len(page.Entries) == 0 || limit > 0 && left <= 0 {
			return nil
		}
	}
}

// entryPrinter prints entries as JSON, a line each, or for people.
func entryPrinter(w io.Writer, asJSON bool) func(reeve.Entry) error {
	if asJSON {
		return func(e reeve.Entry) error { return printLine(w, e) }
	}
	return func(e reeve.Entry) error {
		_, err := fmt.Fprintf(w, "%6d  %s  %-16s %s\n", e.Seq, stamp(e.At), e.Kind,
			strings.TrimSpace(tree.Printable(e.Path)+"  "+tree.Printable(short(e.Data))))
		return err
	}
}

func (c *command) runsFollow() *cobra.Command {
	var r remote
	var after int64
	cmd := &cobra.Command{
		Use:   "follow RUN",
		Short: "Follow a run to its end; its result goes to stdout",
		Long: `Follow a run to its end. On a terminal its tree is drawn; with --json every entry is a line on
stdout. Ctrl-C stops following and leaves the run alone. The exit status tells how the run ended.`,
		Example: "  reeve runs follow 0198f2c1a7b34e55.1",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, args []string) error {
		id, err := reeve.ParseRunID(args[0])
		if err != nil {
			return err
		}
		if r.asJSON {
			return c.followJSON(ctx, cl, client.From{Run: id, After: after})
		}
		return c.followRun(ctx, cl, client.From{Run: id, After: after})
	})
	r.flags(cmd)
	cmd.Flags().Int64Var(&after, "after", 0, "begin behind this position")
	return cmd
}
