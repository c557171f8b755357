package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/client"
)

func (c *command) threads() *cobra.Command {
	return group("threads", "List, show and delete threads", c.threadsList(), c.threadsShow(), c.threadsDelete())
}

func (c *command) threadsList() *cobra.Command {
	var r remote
	var limit int
	var cursor string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List threads, newest first",
		Example: "  reeve threads list",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, _ []string) error {
		if limit < 1 || limit > 1000 {
			return usage("--limit %d: want 1 to 1000", limit)
		}
		page, err := cl.Threads(ctx, limit, cursor)
		if err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, page)
		}
		rows := [][]string{{"THREAD", "ENTRIES", "CREATED", "TITLE"}}
		for _, t := range page.Threads {
			rows = append(rows, []string{string(t.ID), fmt.Sprint(max(0, t.LastSeq-t.FirstSeq+1)), stamp(t.CreatedAt), t.Title})
		}
		if err := table(c.out, rows); err != nil {
			return err
		}
		c.more(page.Next)
		return nil
	})
	r.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 100, "at most this many, 1 to 1000")
	cmd.Flags().StringVar(&cursor, "cursor", "", "go on after this cursor of the page before")
	return cmd
}

func (c *command) threadsShow() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:     "show THREAD",
		Short:   "Show a thread and its runs",
		Example: "  reeve threads show 0198f2c1a7b34e55",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, args []string) error {
		id, err := reeve.ParseThreadID(args[0])
		if err != nil {
			return err
		}
		t, err := cl.Thread(ctx, id)
		if err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, t)
		}
		page, err := cl.Runs(ctx, client.RunQuery{Thread: id})
		if err != nil {
			return err
		}
		err = table(c.out, [][]string{
			{"thread", string(t.ID)},
			{"title", t.Title},
			{"created", stamp(t.CreatedAt)},
			{"entries", fmt.Sprintf("%d to %d", t.FirstSeq, t.LastSeq)},
		})
		if err != nil {
			return err
		}
		fmt.Fprintln(c.out)
		return c.runTable(page)
	})
	r.flags(cmd)
	return cmd
}

func (c *command) threadsDelete() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:     "delete THREAD",
		Short:   "Delete a thread with all its runs and entries, for good",
		Example: "  reeve threads delete 0198f2c1a7b34e55",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, args []string) error {
		id, err := reeve.ParseThreadID(args[0])
		if err != nil {
			return err
		}
		if err := cl.DeleteThread(ctx, id); err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, map[string]any{"thread": id, "deleted": true})
		}
		_, err = fmt.Fprintf(c.out, "%s deleted\n", id)
		return err
	})
	r.flags(cmd)
	return cmd
}
