package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/client"
)

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
