package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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

func (c *command) runsCancel() *cobra.Command {
	var reason string
	return c.steer("cancel RUN", "Ask a run to end", "  reeve runs cancel 0198f2c1a7b34e55.1 --reason 'wrong input'",
		func(cmd *cobra.Command) { cmd.Flags().StringVar(&reason, "reason", "", "why, for the log") },
		func(ctx context.Context, cl *client.Client, id reeve.RunID) (reeve.Run, error) {
			return cl.Cancel(ctx, id, reason)
		})
}

func (c *command) runsRetry() *cobra.Command {
	return c.steer("retry RUN", "Start a failed run again from where it stands", "  reeve runs retry 0198f2c1a7b34e55.1",
		func(*cobra.Command) {},
		func(ctx context.Context, cl *client.Client, id reeve.RunID) (reeve.Run, error) {
			return cl.Retry(ctx, id)
		})
}

// steer is a command that does something to a run and shows it as it stands then.
func (c *command) steer(use, short, example string, flags func(*cobra.Command),
	do func(context.Context, *client.Client, reeve.RunID) (reeve.Run, error),
) *cobra.Command {
	var r remote
	cmd := &cobra.Command{Use: use, Short: short, Example: example, Args: cobra.ExactArgs(1)}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, args []string) error {
		id, err := reeve.ParseRunID(args[0])
		if err != nil {
			return err
		}
		run, err := do(ctx, cl, id)
		if err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, run)
		}
		_, err = fmt.Fprintf(c.out, "%s %s\n", run.ID, run.Status)
		return err
	})
	r.flags(cmd)
	flags(cmd)
	return cmd
}

func (c *command) runsAnswer() *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:   "answer RUN ASK JSON",
		Short: "Answer a question of a run",
		Long: `Answer a question of a run. ASK is the question's path, as ` + "`reeve runs entries`" + ` shows it beside
ask.opened; JSON is the answer. The first answer counts.`,
		Example: `  reeve runs answer 0198f2c1a7b34e55.1 approve true`,
		Args:    cobra.ExactArgs(3),
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, args []string) error {
		id, err := reeve.ParseRunID(args[0])
		if err != nil {
			return err
		}
		if !json.Valid([]byte(args[2])) {
			return usage("the answer %q is not JSON: text needs quotes inside quotes, such as '\"yes\"'", args[2])
		}
		answered, err := cl.Answer(ctx, id, args[1], json.RawMessage(args[2]))
		if err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, answered)
		}
		_, err = fmt.Fprintf(c.out, "%s %s answered\n", answered.Run, answered.Ask)
		return err
	})
	r.flags(cmd)
	return cmd
}
