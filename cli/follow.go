package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/cli/tree"
	"github.com/reeve-run/reeve/client"
	"github.com/reeve-run/reeve/wire"
)

// cancelBound is how long the server may take to hear that a run is to end.
const cancelBound = 10 * time.Second

// errLeft is a user who did not wait for the end.
var errLeft = errors.New("left before the end")

// follow tells the watcher the run's entries until its last.
func follow(ctx context.Context, cl *client.Client, from client.From, w watcher) error {
	for e, err := range cl.Follow(ctx, from) {
		if err != nil {
			return err
		}
		w.entry(e)
		if e.Kind == reeve.KindAskOpened {
			w.say(fmt.Sprintf("answer it with: reeve runs answer %s %s JSON", e.Run, shellWord(e.Path)))
		}
	}
	return nil
}

// shellWord is text as one word of a shell.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_./:@%+=,", r))
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(tree.Printable(s), "'", `'\''`) + "'"
}

// why is the asker of a run.
func why(cl *client.Client, id reeve.RunID) asker {
	return func(ctx context.Context) (wire.Why, error) { return cl.Why(ctx, id) }
}

// followRun shows a run to its end, and then its result.
func (c *command) followRun(ctx context.Context, cl *client.Client, from client.From) error {
	run, err := cl.Run(ctx, from.Run)
	if err != nil {
		return err
	}
	_, begin := c.watch(false)
	w := begin(ctx, run.Agent, why(cl, run.ID))
	err = follow(ctx, cl, from, w)
	w.close()
	if ctx.Err() != nil {
		fmt.Fprintf(c.err, "left; the run goes on: reeve runs follow %s\n", run.ID)
		return silent(exitInterrupted)
	}
	if err != nil {
		return err
	}
	return c.finish(ctx, cl, run.ID, false)
}

// followJSON prints every entry to stdout.
func (c *command) followJSON(ctx context.Context, cl *client.Client, from client.From) error {
	for e, err := range cl.Follow(ctx, from) {
		if err != nil {
			return err
		}
		if err := printLine(c.out, e); err != nil {
			return err
		}
	}
	run, err := cl.Run(ctx, from.Run)
	if err != nil {
		return err
	}
	return ended(run)
}

// finish prints what came of a run and gives its exit status.
func (c *command) finish(ctx context.Context, cl *client.Client, id reeve.RunID, asJSON bool) error {
	run, err := cl.Run(ctx, id)
	if err != nil {
		return err
	}
	if asJSON {
		if err := printJSON(c.out, run); err != nil {
			return err
		}
		return ended(run)
	}
	if run.Status == reeve.StatusCompleted {
		return printResult(c.out, run.Result)
	}
	if run.Error != nil {
		fmt.Fprintf(c.err, "reeve: run %s failed (%s): %s\n", run.ID, run.Error.Code, run.Error.Message)
		if run.Error.Code != reeve.CodeInvalid { // the same input would fail again
			fmt.Fprintf(c.err, "  mend the cause, then `reeve runs retry %s`: finished steps are not run again\n", run.ID)
		}
	} else {
		fmt.Fprintf(c.err, "reeve: run %s is %s\n", run.ID, run.Status)
	}
	return ended(run)
}

// ended is the exit status for a run.
func ended(run reeve.Run) error {
	switch run.Status {
	case reeve.StatusCompleted:
		return nil
	case reeve.StatusCancelled:
		return silent(exitCancelled)
	}
	return silent(exitNo)
}

// accompany follows a run that was started here. The first Ctrl-C asks it to end and goes on to its
// end; the second leaves it, with errLeft.
func (c *command) accompany(ctx context.Context, cl *client.Client, run reeve.Run, w watcher) error {
	following, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	defer leave(nil)
	over := make(chan struct{})
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		select {
		case <-ctx.Done():
			c.cancelRun(following, cl, run.ID, w)
		case <-over:
			return
		}
		select {
		case <-c.hard.Done():
			leave(errLeft)
		case <-over:
		}
	}()
	err := follow(following, cl, client.From{Run: run.ID, After: run.FirstSeq - 1}, w)
	close(over)
	<-asked
	return err
}

// cancelRun asks a run to end, because its user does not want it any more.
func (c *command) cancelRun(ctx context.Context, cl *client.Client, id reeve.RunID, w watcher) {
	w.say("cancelling the run; Ctrl-C again leaves at once")
	ctx, cancel := context.WithTimeout(ctx, cancelBound)
	defer cancel()
	defer context.AfterFunc(c.hard, cancel)() // the second Ctrl-C is heard here too
	if _, err := cl.Cancel(ctx, id, "Ctrl-C at reeve run"); err != nil && reeve.CodeOf(err) != reeve.CodeConflict {
		w.say(fmt.Sprintf("the run could not be cancelled: %v", err))
	}
}
