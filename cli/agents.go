package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/client"
	"github.com/reeve-run/reeve/wire"
)

func (c *command) agentsCommand() *cobra.Command {
	list := c.agentsList("list")
	cmd := c.agentsList("agents") // the word alone lists as well
	cmd.Short = "List, pause and resume agents"
	cmd.AddCommand(list,
		c.turn("pause", "Take up no more runs of an agent; those that run go on", (*client.Client).Pause),
		c.turn("resume", "Take up runs of an agent again", (*client.Client).Resume))
	return cmd
}

func (c *command) agentsList(use string) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:     use,
		Short:   "List the server's agents",
		Example: "  reeve agents list",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, _ []string) error {
		list, err := cl.Agents(ctx)
		if err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, wire.Agents{Agents: list})
		}
		rows := [][]string{{"AGENT", "VERSION", "RUNNING", "STATE"}}
		for _, a := range list {
			rows = append(rows, []string{a.Name, a.Version, fmt.Sprint(a.Running), state(a)})
		}
		return table(c.out, rows)
	})
	r.flags(cmd)
	return cmd
}

func state(a wire.Agent) string {
	if a.Paused {
		return "paused"
	}
	return "ready"
}

// turn is pause or resume.
func (c *command) turn(word, short string, do func(*client.Client, context.Context, string) (wire.Agent, error)) *cobra.Command {
	var r remote
	cmd := &cobra.Command{
		Use:     word + " NAME",
		Short:   short,
		Example: "  reeve agents " + word + " review",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = c.client(&r, func(ctx context.Context, cl *client.Client, args []string) error {
		a, err := do(cl, ctx, args[0])
		if err != nil {
			return err
		}
		if r.asJSON {
			return printJSON(c.out, a)
		}
		_, err = fmt.Fprintf(c.out, "%s %s\n", a.Name, state(a))
		return err
	})
	r.flags(cmd)
	return cmd
}
