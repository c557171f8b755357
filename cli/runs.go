package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/cli/tree"
	"github.com/reeve-run/reeve/client"
	"github.com/reeve-run/reeve/wire"
)

func (c *command) runs() *cobra.Command {
	return group("runs", "List, show and steer runs",
		c.runsList(), c.runsShow(), c.runsEntries(), c.runsFollow(), c.runsCancel(), c.runsAnswer(), c.runsRetry())
}

// chosen is the flags that choose among runs.
type chosen struct {
	thread, agent, status, cursor string
	olderThan                     time.Duration
	limit                         int
}

func (f *chosen) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.thread, "thread", "", "only runs of this thread")
	flags.StringVar(&f.agent, "agent", "", "only runs of this agent")
	flags.StringVar(&f.status, "status", "", "only runs of this status: queued, running, waiting, completed, failed or cancelled")
	flags.DurationVar(&f.olderThan, "older-than", 0, "only runs begun longer ago than this, such as 24h")
	flags.IntVar(&f.limit, "limit", 100, "at most this many, 1 to 1000")
	flags.StringVar(&f.cursor, "cursor", "", "go on after this cursor of the page before")
}

func (f *chosen) query() (client.RunQuery, error) {
	q := client.RunQuery{Agent: f.agent, Status: reeve.Status(f.status), Limit: f.limit, Cursor: f.cursor}
	if f.status != "" && !q.Status.Valid() {
		return q, usage("--status %q: want one of %v", f.status, reeve.Statuses)
	}
	if f.thread != "" {
		var err error
		if q.Thread, err = reeve.ParseThreadID(f.thread); err != nil {
			return q, err
		}
	}
	if f.limit < 1 || f.limit > 1000 {
		return q, usage("--limit %d: want 1 to 1000", f.limit)
	}
	if f.olderThan < 0 {
		return q, usage("--older-than %s: want a duration such as 24h", f.olderThan)
	}
	if f.olderThan > 0 {
		q.CreatedBefore = time.Now().Add(-f.olderThan)
	}
	return q, nil
}

func (c *command) runsList() *cobra.Command {
	var r remote
	var f chosen
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List runs, newest first",
		Example: `  reeve runs list --status failed
  reeve runs list --agent review --older-than 24h --json`,
		Args: cobra.NoArgs,
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, _ []string) error {
		q, err := f.query()
		if err != nil {
			return err
		}
		page, err := cl.Runs(ctx, q)
		if err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, page)
		}
		return c.runTable(page)
	})
	r.flags(cmd)
	f.flags(cmd)
	return cmd
}

func (c *command) runTable(page wire.Runs) error {
	rows := [][]string{{"RUN", "AGENT", "STATUS", "ATTEMPT", "CREATED", "TOOK"}}
	for _, run := range page.Runs {
		rows = append(rows, []string{
			string(run.ID), run.Agent, string(run.Status), fmt.Sprint(run.Attempt), stamp(run.CreatedAt), took(run),
		})
	}
	if err := table(c.out, rows); err != nil {
		return err
	}
	c.more(page.Next)
	return nil
}

// more says how to get the next page.
func (c *command) more(next string) {
	if next != "" {
		fmt.Fprintf(c.err, "there are more: --cursor %s\n", next)
	}
}

func took(run reeve.Run) string {
	if run.StartedAt == nil {
		return ""
	}
	if run.FinishedAt == nil {
		return tree.Brief(time.Since(*run.StartedAt)) + " so far"
	}
	return tree.Brief(run.FinishedAt.Sub(*run.StartedAt))
}

func (c *command) runsShow() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:     "show RUN",
		Short:   "Show a run, and what it waits for",
		Example: "  reeve runs show 0198f2c1a7b34e55.1",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, args []string) error {
		id, err := reeve.ParseRunID(args[0])
		if err != nil {
			return err
		}
		run, err := cl.Run(ctx, id)
		if err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, run)
		}
		return c.showRun(ctx, cl, run)
	})
	r.flags(cmd)
	return cmd
}

func (c *command) showRun(ctx context.Context, cl *client.Client, run reeve.Run) error {
	rows := [][]string{
		{"run", string(run.ID)},
		{"agent", strings.TrimSpace(run.Agent + " " + run.Version)},
		{"status", string(run.Status)},
		{"attempt", fmt.Sprint(run.Attempt)},
		{"created", stamp(run.CreatedAt)},
		{"took", took(run)},
		{"input", short(run.Input)},
		{"result", short(run.Result)},
	}
	if run.Error != nil {
		rows = append(rows, []string{"error", fmt.Sprintf("%s: %s", run.Error.Code, run.Error.Message)})
		rows = append(rows, []string{"from", strings.Join(run.Error.Paths, ", ")})
	}
	if !run.Status.Ended() {
		// For operators only; anybody else sees the run without it.
		if why, err := cl.Why(ctx, run.ID); err == nil {
			rows = append(rows, []string{"why", why.Summary})
		}
	}
	kept := rows[:0]
	for _, row := range rows {
		if row[1] != "" {
			kept = append(kept, row)
		}
	}
	return table(c.out, kept)
}

// short is JSON on one line of bounded length.
func short(raw json.RawMessage) string {
	const most = 200
	s := strings.Join(strings.Fields(string(raw)), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
