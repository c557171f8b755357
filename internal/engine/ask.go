package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/journal"
)

// retryAnswer is the wait between two tries to write a deadline's answer.
const retryAnswer = 200 * time.Millisecond

// Ask opens a question and waits for its answer.
func (b *branch) Ask(ctx context.Context, op agent.Op, q agent.Question[[]byte]) ([]byte, error) {
	rec, err := b.recorded(op)
	if err != nil {
		return nil, err
	}
	if rec != nil && rec.closed != nil {
		return answerOf(op.Path, rec.closed)
	}
	opened, err := b.openQuestion(ctx, op, rec, q)
	if err != nil {
		return nil, err
	}
	b.enterUntil(InAsk, op.Path, orZero(opened.Deadline))
	defer b.enter(InBody, "", 0, b.x.cfg.Stall)
	return b.awaitAnswer(ctx, op, opened)
}

// openQuestion writes ask.opened, unless the log has it.
func (b *branch) openQuestion(ctx context.Context, op agent.Op, rec *record, q agent.Question[[]byte]) (reeve.AskOpened, error) {
	var opened reeve.AskOpened
	if rec != nil {
		return opened, unmarshal(rec.opened, &opened)
	}
	opened.Text = q.Text
	if q.Deadline > 0 {
		deadline := now().Add(q.Deadline).UTC()
		opened.Deadline = &deadline
	}
	if q.Default != nil {
		opened.Default = json.RawMessage(*q.Default)
	}
	return opened, b.record(ctx, op, reeve.KindAskOpened, opened)
}

// record writes the entry that begins a question or a sleep.
func (b *branch) record(ctx context.Context, op agent.Op, kind reeve.Kind, data any) error {
	if err := b.alive(ctx); err != nil {
		return err
	}
	if b.text != nil {
		b.text.flush()
	}
	b.enter(InWrite, op.Path, 0, 0)
	d := b.x.draft(kind, op.Path, marshal(data))
	d.Scope, d.N, d.Name = op.Scope, op.N, op.Name
	return b.x.write(nil, d)
}

// awaitAnswer waits for whoever is first: a client or the deadline. The log settles it.
func (b *branch) awaitAnswer(ctx context.Context, op agent.Op, opened reeve.AskOpened) ([]byte, error) {
	ch := b.x.asker(op.Path)
	wait := reeve.Waiting{Path: op.Path, What: string(InAsk), Until: opened.Deadline}
	by, value := byDeadline, []byte(opened.Default)
	for {
		e, due, err := b.await(ctx, wait, ch)
		switch {
		case b.cut(ctx) != nil || errors.Is(err, agent.ErrSuspended):
			return nil, err
		case err != nil: // a bound of the author's: it closes the question, if nobody was first
			by, value, ctx = byTimeout, nil, b.x.ctx
		case !due:
			return answerOf(op.Path, &e)
		}
		b.expire(op.Path, by, value)
		soon := now().Add(retryAnswer) // the answer is there already, or the store has trouble
		wait.Until = &soon
	}
}

// Who answers a question beside a client.
const (
	byDeadline = "deadline"
	byTimeout  = "timeout"
)

// expire answers for a deadline. Whether it was first or not, an answer is delivered.
func (b *branch) expire(path, by string, value []byte) {
	ctx := b.x.ctx
	res, err := b.x.cfg.Journal.Do(ctx, &journal.Answer{Run: b.x.run, Path: path, Value: value, By: by})
	if err == nil {
		b.x.Deliver(res.Entries)
		return
	}
	if err := b.x.sync(ctx); err != nil && ctx.Err() == nil {
		b.x.log().Warn("the log could not be read for an answer; it is read again", "path", path, "err", err)
	}
}

// asker is the channel on which the answer to a question comes, once.
func (x *Execution) asker(path string) <-chan reeve.Entry {
	ch := make(chan reeve.Entry, 1)
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.askers == nil {
		x.askers = make(map[string]chan reeve.Entry, 1)
	}
	x.askers[path] = ch
	if e, ok := x.answers[path]; ok {
		ch <- e
	}
	return ch
}

// answer keeps an answer and wakes who waits for it.
func (x *Execution) answer(e reeve.Entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, known := x.answers[e.Path]; known {
		return
	}
	if x.answers == nil {
		x.answers = make(map[string]reeve.Entry, 1)
	}
	x.answers[e.Path] = e
	if ch := x.askers[e.Path]; ch != nil {
		ch <- e
	}
}

func (x *Execution) answeredAny(waits []reeve.Waiting) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range waits {
		if _, ok := x.answers[w.Path]; ok {
			return true
		}
	}
	return false
}

// answerOf is what the agent gets of ask.answered.
func answerOf(path string, e *reeve.Entry) ([]byte, error) {
	var a reeve.AskAnswered
	if err := unmarshal(e, &a); err != nil {
		return nil, err
	}
	switch {
	case a.By == byDeadline && len(a.Value) == 0:
		return nil, &agent.StepError{Path: path, Try: 1, Code: reeve.CodeUnanswered, Message: "nobody answered before the deadline"}
	case a.By == byTimeout:
		return nil, &agent.StepError{Path: path, Try: 1, Code: reeve.CodeTimeout, Message: "nobody answered before the timeout around the question"}
	}
	return a.Value, nil
}

// Sleep waits until the time that was set when the sleep first began.
func (b *branch) Sleep(ctx context.Context, op agent.Op, d time.Duration) error {
	rec, err := b.recorded(op)
	if err != nil {
		return err
	}
	timer := reeve.TimerSet{Until: now().Add(max(0, d)).UTC()}
	if rec != nil {
		err = unmarshal(rec.opened, &timer)
	} else {
		err = b.record(ctx, op, reeve.KindTimerSet, timer)
	}
	// Whether a bound of the author's comes first is decided by the two times, which are recorded, and not by
	// which timer rings first: replay must come to the same.
	bound, bounded := ctx.Deadline()
	cutShort := bounded && bound.Before(timer.Until)
	if err != nil || !cutShort && !timer.Until.After(now()) {
		return err
	}
	b.enterUntil(InSleep, op.Path, timer.Until)
	defer b.enter(InBody, "", 0, b.x.cfg.Stall)
	_, _, err = b.await(ctx, reeve.Waiting{Path: op.Path, What: string(InSleep), Until: &timer.Until}, nil)
	slept := !cutShort && !timer.Until.After(now()) && b.cut(ctx) == nil && !errors.Is(err, agent.ErrSuspended)
	if slept {
		return nil
	}
	return err
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
