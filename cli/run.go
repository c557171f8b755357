package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/client"
)

// runCommand is one call of reeve run.
type runCommand struct {
	*command
	remote
	input  string
	thread string
	roots  []string
	detach bool
	start  client.Start
}

func (c *command) runAgent() *cobra.Command {
	r := &runCommand{command: c}
	cmd := &cobra.Command{
		Use:   "run AGENT [TEXT]...",
		Short: "Run an agent and print its result",
		Long: `Run an agent and print its result to stdout. TEXT is the input {"text": TEXT}; any other input is
given with --input, as JSON, as @FILE or as @- for stdin.

The run goes to the server of --url; without it to the server that holds the data directory; and
where none does, to one inside this command, for the length of the run, which takes up nothing
else. The run is as durable as any: after a crash, start a server on the same data directory.

On a terminal its tree is drawn with the times of its agents and steps; otherwise every entry is a
line on stderr. With --json stdout has the run as JSON, and stderr an entry a line. Ctrl-C cancels the run;
a second one leaves at once.

The exit status is 0 when the run completed, 1 when it failed, 2 when it could not start, 3 when it was
cancelled, 130 after Ctrl-C.`,
		Example: `  reeve run echo "hello"
  reeve run review --input '{"path":"."}'
  reeve run sleep --input '{"steps":3,"ms":500}' --json
  reeve run crew --input @input.json --url http://127.0.0.1:8000 --detach`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return r.execute(cmd.Context(), args) },
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return c.agentNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	r.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&r.input, "input", "", "the input: JSON, @FILE or @-")
	f.StringVar(&r.thread, "thread", "", "go on with this thread instead of a new one")
	f.StringArrayVar(&r.roots, "root", nil, "a folder that agents may read, such as review (default: the working directory)")
	f.BoolVar(&r.detach, "detach", false, "print the run's id and leave it to the server")
	setting(f, "root")
	return cmd
}

func (c *command) agentNames() []string {
	var list []string
	for _, a := range c.agents() {
		list = append(list, a.Name())
	}
	return list
}

// execute starts the run where it can be run; when a server that was found by the data directory goes
// away, it goes on with the next, from the log.
func (r *runCommand) execute(ctx context.Context, args []string) error {
	if err := r.prepare(args); err != nil {
		return err
	}
	logs, begin := r.watch(r.asJSON)
	for {
		at, err := r.reach(ctx, logs)
		if err != nil {
			return err
		}
		err = r.on(ctx, at, begin)
		err = errors.Join(err, at.close())
		if at.kind != borrowed || reeve.CodeOf(err) != reeve.CodeUnavailable || ctx.Err() != nil {
			return err
		}
		fmt.Fprintf(logs, "the server at %s is gone; the run goes on from its log\n", at.client.URL())
	}
}

// prepare checks what was typed. The key makes it one run, however often it is sent.
func (r *runCommand) prepare(args []string) error {
	input, err := readInput(r.in, args[1:], r.input)
	if err != nil {
		return err
	}
	r.start = client.Start{Agent: args[0], Input: input, Key: uuid.NewString()}
	if err := reeve.CheckName("agent", args[0]); err != nil {
		return err
	}
	if r.thread != "" {
		r.start.Thread, err = reeve.ParseThreadID(r.thread)
	}
	return err
}

// on starts the run at a server, and stays with it unless it is detached.
func (r *runCommand) on(ctx context.Context, at *endpoint, begin beginWatch) error {
	run, err := at.client.Start(ctx, r.start)
	if err != nil {
		return err
	}
	if r.detach {
		return r.told(run)
	}
	w := begin(ctx, run.Agent, why(at.client, run.ID))
	err = r.accompany(ctx, at.client, run, w)
	w.close()
	if errors.Is(err, errLeft) {
		at.halt()
		fmt.Fprintf(r.err, "left run %s before its end\n", run.ID)
		return silent(exitInterrupted)
	}
	if err != nil {
		return err
	}
	err = r.finish(context.WithoutCancel(ctx), at.client, run.ID, r.asJSON)
	if ctx.Err() != nil {
		return silent(exitInterrupted)
	}
	return err
}

// told prints what a detached run is called.
func (r *runCommand) told(run reeve.Run) error {
	if r.asJSON {
		return printJSON(r.out, run)
	}
	fmt.Fprintf(r.err, "follow it with: reeve runs follow %s\n", run.ID)
	_, err := fmt.Fprintln(r.out, run.ID)
	return err
}
