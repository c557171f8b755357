package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/agent"
)

// command is one call of reeve: its agents, its streams and its ends.
type command struct {
	agents func(roots ...string) []agent.Runnable
	in     io.Reader
	out    io.Writer
	err    io.Writer
	hard   context.Context // ends when even the orderly stop is to be cut short
}

// run executes a command line and says how it went.
func (c *command) run(ctx context.Context, args []string) int {
	root := c.root()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	used, err := root.ExecuteContextC(ctx)
	status := statusOf(ctx, err)
	if e, ok := errors.AsType[*exitError](err); ok && e.err == nil {
		return status
	}
	if err != nil {
		c.explain(used, err, status)
	}
	return status
}

// explain prints an error, and what to do about it.
func (c *command) explain(used *cobra.Command, err error, status int) {
	fmt.Fprintf(c.err, "reeve: %v\n", err)
	if todo := advice(err); todo != "" {
		fmt.Fprintf(c.err, "  %s\n", todo)
	} else if status == exitUsage {
		fmt.Fprintf(c.err, "  `%s --help` shows how it is used\n", used.CommandPath())
	}
}

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "reeve",
		Short: "Run trees of agents, durably",
		Long: `reeve runs trees of agents. Every finished step is durable, a client that comes
back misses nothing, and no agent can hang on its database.`,
		Example: `  reeve run echo "hello"
  reeve run review --input '{"path":"."}'
  reeve serve`,
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		// Every command's settings are settled before it runs.
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return settle(cmd.Flags()) },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return cannotStart(err) })
	root.AddCommand(
		c.serve(), c.runAgent(), c.runs(), c.threads(), c.agentsCommand(), c.health(), c.token(),
		c.migrate(), c.vet(), c.bench(), c.version(),
	)
	strict(root)
	return root
}

// strict gives every command the same answer to wrong arguments: exit status 2, and in a
// group the names of what is there.
func strict(cmd *cobra.Command) {
	if inner := cmd.Args; inner != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return cannotStart(wrongArgs(cmd, args, inner)) }
	}
	for _, sub := range cmd.Commands() {
		strict(sub)
	}
}

func wrongArgs(cmd *cobra.Command, args []string, inner cobra.PositionalArgs) error {
	err := inner(cmd, args)
	if err == nil || !cmd.HasAvailableSubCommands() || len(args) == 0 {
		return err
	}
	return fmt.Errorf("%s has no command %q: want %s", cmd.CommandPath(), args[0], strings.Join(names(cmd), ", "))
}

func names(cmd *cobra.Command) []string {
	var list []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && sub.Name() != "help" {
			list = append(list, sub.Name())
		}
	}
	return list
}

// group is a command that only holds others.
func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usage("%s needs a command: %s", cmd.CommandPath(), strings.Join(names(cmd), ", "))
		},
	}
	for _, sub := range subs {
		cmd.Example += sub.Example + "\n"
	}
	cmd.Example = strings.TrimRight(cmd.Example, "\n")
	cmd.AddCommand(subs...)
	return cmd
}
