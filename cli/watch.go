package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/cli/tree"
	"github.com/reeve-run/reeve/wire"
)

// watcher shows a run while it goes on.
type watcher interface {
	entry(e reeve.Entry)
	say(text string) // a word to the user
	close()          // shows the end; nothing of the watcher is left running
}

// How often a terminal is drawn anew, and how often the server is asked what no entry tells.
const (
	drawEvery = 100 * time.Millisecond
	askEvery  = 500 * time.Millisecond
	askBound  = 2 * time.Second
)

// asker asks the server where a run stands.
type asker func(ctx context.Context) (wire.Why, error)

// live draws the run's tree on a terminal.
type live struct {
	screen *screen
	ask    asker
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu    sync.Mutex
	tree  *tree.Tree
	frame int
}

// watchLive draws on the screen until close.
func watchLive(ctx context.Context, s *screen, agent string, ask asker) *live {
	l := &live{screen: s, tree: tree.New(agent), ask: ask}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	l.work.Go(func() { every(ctx, drawEvery, l.draw) })
	l.work.Go(func() { l.asks(ctx) })
	return l
}

func every(ctx context.Context, d time.Duration, fn func()) {
	ticks := time.NewTicker(d)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			fn()
		case <-ctx.Done():
			return
		}
	}
}

func (l *live) entry(e reeve.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tree.Add(e)
}

func (l *live) say(text string) { fmt.Fprintln(l.screen, text) }

func (l *live) draw() {
	width, height := l.screen.room()
	l.mu.Lock()
	l.frame++
	lines := l.tree.Lines(time.Now(), tree.Room{Width: width, Height: max(3, height-2), Color: colored(), Frame: l.frame / 2})
	l.mu.Unlock()
	l.screen.draw(lines)
}

// asks learns which steps are under way. A server that does not say (it is for operators)
// is not asked again: the tree then shows a step when it has ended.
func (l *live) asks(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	every(ctx, askEvery, func() {
		bounded, done := context.WithTimeout(ctx, askBound)
		defer done()
		why, err := l.ask(bounded)
		switch reeve.CodeOf(err) {
		case "":
			l.mu.Lock()
			l.tree.Live(why)
			l.mu.Unlock()
		case reeve.CodeForbidden, reeve.CodeUnauthenticated, reeve.CodeNotFound:
			cancel()
		}
	})
}

func (l *live) close() {
	l.cancel()
	l.work.Wait()
	l.draw()
	fmt.Fprintln(l.screen.file) // the result comes below
}

// lines is a watcher that writes a line of JSON for each entry.
type lines struct{ out io.Writer }

// entry passes over trouble of stderr: the run goes on without it.
func (l lines) entry(e reeve.Entry) { _ = printLine(l.out, e) }
func (l lines) say(string)          {}
func (l lines) close()              {}

// beginWatch begins to show a run.
type beginWatch func(ctx context.Context, agent string, ask asker) watcher

// watch chooses how a run is shown on stderr, and where logs go meanwhile.
func (c *command) watch(asJSON bool) (logs io.Writer, begin beginWatch) {
	file, ok := c.err.(*os.File)
	switch {
	case asJSON:
		return io.Discard, func(context.Context, string, asker) watcher { return lines{c.err} }
	case ok && isTerminal(file):
		s := &screen{file: file}
		return s, func(ctx context.Context, agent string, ask asker) watcher { return watchLive(ctx, s, agent, ask) }
	}
	return c.err, func(context.Context, string, asker) watcher { return newPlain(c.err) }
}
