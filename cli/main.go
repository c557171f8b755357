package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/reeve-run/reeve/agent"
)

// Main runs the reeve command with these agents and ends the process. It never returns.
func Main(agents ...agent.Runnable) { MainWithRoots(fixed(agents)) }

// MainWithRoots is Main for agents that read files: they are made when it is known which folders
// they may read, those of --root or else the working directory. create may be called more
// than once, without roots when only the agents' names are wanted.
func MainWithRoots(create func(roots ...string) []agent.Runnable) {
	collectLess()
	soft, hard, stop := signals()
	c := &command{agents: create, in: os.Stdin, out: os.Stdout, err: os.Stderr, hard: hard}
	status := c.run(soft, os.Args[1:])
	stop()
	os.Exit(status)
}

// Run runs one command line and returns its exit status. The end of ctx is what the first
// Ctrl-C is to Main; there is no second one. Reading of flags and environment apart, it
// touches no state of the process, so that calls may run side by side.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, agents ...agent.Runnable) int {
	c := &command{agents: fixed(agents), in: stdin, out: stdout, err: stderr, hard: context.WithoutCancel(ctx)}
	return c.run(ctx, args)
}

// collectLess lets the heap grow to three times of what lives before it is collected. What lives is small here, and
// most of the garbage is a commit's: at Go's own setting a fifth of the time goes into collecting it. GOGC decides
// where it is set.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}

func fixed(agents []agent.Runnable) func(...string) []agent.Runnable {
	return func(...string) []agent.Runnable { return agents }
}

// signals gives a context that ends with the first SIGINT or SIGTERM, and one that ends with the second.
func signals() (soft, hard context.Context, stop func()) {
	soft, endSoft := context.WithCancelCause(context.Background())
	hard, endHard := context.WithCancelCause(context.Background())
	got := make(chan os.Signal, 2)
	signal.Notify(got, syscall.SIGINT, syscall.SIGTERM)
	done, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		for _, end := range []context.CancelCauseFunc{endSoft, endHard} {
			select {
			case s := <-got:
				end(&signalled{s})
			case <-done:
				return
			}
		}
	}()
	return soft, hard, func() {
		signal.Stop(got)
		close(done)
		<-left
	}
}

// signalled is why a command was told to stop.
type signalled struct{ signal os.Signal }

func (s *signalled) Error() string { return "stopped by " + s.signal.String() }
