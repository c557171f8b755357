package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/cli/bench"
)

// benchBound is how long a bench may take in all.
const benchBound = 300 * time.Second

func (c *command) bench() *cobra.Command {
	var (
		db       string
		inFlight []int
		steps    int
		runs     int
		asJSON   bool
	)
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine, and the bare database beside it",
		Long: `Measure this machine, and the bare database beside it, within five minutes. Nothing else should
run meanwhile.

Throughput is runs of a few steps through supervisor, engine, journal and store, in this process and
without HTTP. Bare is the same lanes, batch limits, commits a run, payload bytes, durability and
garbage collector, and nothing else: one fenced row a commit. The two are measured in turn, five times;
the figures are medians. One run alone is measured step by step, and from its start to its first entry
at a client over a real WebSocket. Memory is the resident set; the clients of idle sockets are a process of their
own. KB is 1,000 bytes.

The databases are made in a folder of their own beside the data directory, or beside the file of --db, and
removed afterwards.`,
		Example: `  reeve bench
  reeve bench --in-flight 100 --steps 20 --json > bench.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if steps < 1 || runs < 0 || len(inFlight) == 0 {
				return usage("--steps wants 1 or more, --runs 0 or more, --in-flight a number")
			}
			for _, n := range inFlight {
				if n < 1 || n > 100_000 {
					return usage("--in-flight %d: want 1 to 100000", n)
				}
			}
			return c.benchIn(cmd.Context(), db, asJSON, func(b *bench.Bench) {
				b.InFlight, b.Steps, b.Runs = inFlight, steps, runs
			})
		},
	}
	cmd.Flags().StringVar(&db, "db", "", "sqlite:PATH: measure on that file's disk (default: the data directory's)")
	cmd.Flags().IntSliceVar(&inFlight, "in-flight", []int{100, 1000}, "runs at once")
	cmd.Flags().IntVar(&steps, "steps", 5, "steps of each run")
	cmd.Flags().IntVar(&runs, "runs", 0, "runs of each measurement (default: as many as three seconds hold)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.AddCommand(c.benchClients())
	return cmd
}

func (c *command) benchIn(ctx context.Context, db string, asJSON bool, choose func(*bench.Bench)) (err error) {
	dir, err := benchDir(db)
	if err != nil {
		return cannotStart(err)
	}
	defer func() {
		if left := os.RemoveAll(dir); err == nil {
			err = left
		}
	}()
	b := bench.Default(dir)
	choose(b)
	self, err := os.Executable()
	if err != nil {
		return cannotStart(fmt.Errorf("find this program, for the sockets' clients: %w", err))
	}
	b.Client = []string{self, "bench", "clients"}
	b.Progress = func(what string) { fmt.Fprintln(c.err, what) }
	ctx, cancel := context.WithTimeoutCause(ctx, benchBound, fmt.Errorf("the bench took longer than %s: is the machine busy?", benchBound))
	defer cancel()
	report, err := b.Run(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, report)
	}
	return report.Text(c.out)
}

// benchDir is a fresh folder on the disk that is to be measured.
func benchDir(db string) (string, error) {
	var parent string
	if db != "" {
		path, ok := strings.CutPrefix(db, "sqlite:")
		if !ok || path == "" {
			return "", fmt.Errorf("--db %q: want sqlite:PATH", db)
		}
		parent = filepath.Dir(path)
	} else {
		dir, err := dataDir("")
		if err != nil {
			return "", err
		}
		parent = filepath.Dir(dir)
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, "reeve-bench-")
}

// benchClients is the process that holds the clients of idle sockets.
func (c *command) benchClients() *cobra.Command {
	return &cobra.Command{
		Use:    "clients URL N",
		Short:  "Open sockets and hold them until stdin ends",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return bench.Clients(cmd.Context(), args[0], args[1], c.in, c.out)
		},
	}
}
