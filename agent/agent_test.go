package agent_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/session"
)

// notebook is a runtime that does every operation at once and notes it. It stands for the
// engine in tests of what this package does by itself: numbers, paths, JSON, refusals.
type notebook struct {
	ops      []agent.Op
	text     string
	returned int
}

func (n *notebook) Step(ctx context.Context, op agent.Op, fn func(context.Context) ([]byte, error)) ([]byte, error) {
	n.ops = append(n.ops, op)
	return fn(agent.WithTry(ctx, try{n, op}))
}

func (n *notebook) Call(ctx context.Context, op agent.Op, r agent.Runnable, in []byte) func(context.Context) ([]byte, error) {
	n.ops = append(n.ops, op)
	out, err := agent.Execute(ctx, n, r, op.Path, in)
	return func(context.Context) ([]byte, error) { return out, err }
}

func (n *notebook) Ask(_ context.Context, op agent.Op, q agent.Question[[]byte]) ([]byte, error) {
	n.ops = append(n.ops, op)
	return *q.Default, nil
}

func (n *notebook) Sleep(_ context.Context, op agent.Op, _ time.Duration) error {
	n.ops = append(n.ops, op)
	return nil
}

func (n *notebook) Emit(_ context.Context, _ string, offset int64, text string) error {
	if offset != int64(len(n.text)) {
		return fmt.Errorf("offset %d after %d bytes", offset, len(n.text))
	}
	n.text += text
	return nil
}

func (n *notebook) Messages(context.Context) ([]reeve.Message, error) {
	return []reeve.Message{{Seq: 1, Role: reeve.RoleUser}, {Seq: 4, Role: reeve.RoleAgent}}, nil
}

func (n *notebook) Returned(_ string, count int) error { n.returned = count; return nil }

type try struct {
	n  *notebook
	op agent.Op
}

func (t try) Emit(text string) error { t.n.text += text; return nil }
func (t try) Beat()                  {}
func (t try) Key() string            { return "r.1/" + t.op.Path }
func (t try) Fence() int64           { return 7 }

// execute runs a body on a notebook.
func execute(t *testing.T, body func(agent.Context) (any, error)) (*notebook, string, error) {
	t.Helper()
	n := &notebook{}
	var units session.Holder
	ctx := agent.WithTry(session.WithHolder(t.Context(), &units), try{n, agent.Op{}})
	out, err := agent.Execute(ctx, n, agent.New("body", func(ctx agent.Context, _ any) (any, error) { return body(ctx) }), "", []byte("{}"))
	return n, string(out), err
}

func nothing(context.Context) (int, error) { return 0, nil }

func TestOperationsAreNumberedAndPlaced(t *testing.T) {
	inner := agent.New("inner", func(ctx agent.Context, in string) (string, error) {
		return agent.Step(ctx, "work", func(context.Context) (string, error) { return in, nil })
	})
	n, out, err := execute(t, func(ctx agent.Context) (any, error) {
		for range 2 {
			if _, err := agent.Step(ctx, "step", nothing); err != nil {
				return nil, err
			}
		}
		for _, key := range []string{"a", "a/b#c", "a"} {
			if _, err := agent.StepKey(ctx, "fetch", key, nothing); err != nil {
				return nil, err
			}
		}
		_ = agent.Now(ctx)
		if err := agent.Sleep(ctx, "nap", time.Hour); err != nil {
			return nil, err
		}
		return agent.Parallel(ctx, inner, []string{"x", "y"})
	})
	if err != nil || out != `["x","y"]` {
		t.Fatal(out, err)
	}
	var got []string
	for _, op := range n.ops {
		got = append(got, fmt.Sprintf("%s|%d|%s|%s", op.Scope, op.N, op.Kind, op.Path))
	}
	want := []string{
		"|1|step|step", "|2|step|step#2", "|3|step|fetch[a]", "|4|step|fetch[a%2Fb%23c]", "|5|step|fetch[a]#2",
		"|6|step|now", "|7|sleep|nap",
		"|8|call|inner", "inner|1|step|inner/work", "|9|call|inner#2", "inner#2|1|step|inner#2/work",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	if n.returned != 9 {
		t.Errorf("the scope returned after %d operations", n.returned)
	}
}

func TestDefaultsAndOptionsOfOperations(t *testing.T) {
	leaf := agent.New("leaf", func(agent.Context, int) (int, error) { return 0, nil })
	n, _, err := execute(t, func(ctx agent.Context) (any, error) {
		_, _ = agent.Step(ctx, "plain", nothing)
		_, _ = agent.Step(ctx, "set", nothing, agent.Tries(5), agent.Timeout(time.Minute), agent.StallAfter(time.Hour), agent.Backoff(time.Second))
		_, _ = agent.Call(ctx, leaf, 1)
		_, _ = agent.Call(ctx, leaf, 1, agent.Tries(0))
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	plain, set := n.ops[0], n.ops[1]
	if plain.Tries != agent.DefaultTries || plain.Timeout != 0 || plain.Stall != 0 {
		t.Errorf("plain step: %+v", plain)
	}
	if set.Tries != 5 || set.Timeout != time.Minute || set.Stall != time.Hour || set.Backoff != time.Second {
		t.Errorf("step with options: %+v", set)
	}
	if n.ops[2].Tries != 1 || n.ops[3].Tries != 1 {
		t.Errorf("calls have %d and %d tries", n.ops[2].Tries, n.ops[3].Tries)
	}
}

func TestAResultIsWhatItsJSONSays(t *testing.T) {
	type result struct {
		Kept    int
		dropped int
	}
	_, _, err := execute(t, func(ctx agent.Context) (any, error) {
		r, err := agent.Step(ctx, "s", func(context.Context) (result, error) { return result{1, 2}, nil })
		if r.Kept != 1 || r.dropped != 0 {
			t.Errorf("the step gave %+v: not what replay would", r)
		}
		return nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewInputsAreReadStrictlyAndOldOnesKindly(t *testing.T) {
	a := agent.New("strict", func(_ agent.Context, in struct{ Path string }) (string, error) { return in.Path, nil })
	for in, says := range map[string]string{
		`{"Path":"x","Pth":"y"}`: `unknown field "Pth"`,
		`{"Path":3}`:             `"Path" is a number, want a string`,
		`[]`:                     "it is an array, want an object",
	} {
		err := agent.CheckInput(a, []byte(in))
		if reeve.CodeOf(err) != reeve.CodeInvalid || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "agent strict") {
			t.Errorf("%s: %v", in, err)
		}
	}
	if _, err := agent.Execute(t.Context(), &notebook{}, a, "", []byte(`{"Path":3}`)); reeve.CodeOf(err) != reeve.CodeInvalid {
		t.Errorf("a path that is a number was read: %v", err)
	}
	if out, err := agent.Execute(t.Context(), &notebook{}, a, "", []byte(`{"Path":"x","Old":1}`)); err != nil || string(out) != `"x"` {
		t.Errorf("an input from before a field was dropped: %s, %v", out, err)
	}
	if err := agent.CheckInput(a, nil); err != nil {
		t.Errorf("no input: %v", err)
	}
}

type derivedKey struct{}

func TestKeysFencesAndText(t *testing.T) {
	n, _, err := execute(t, func(ctx agent.Context) (any, error) {
		if err := agent.Emit(ctx, "body "); err != nil {
			return nil, err
		}
		derived := context.WithValue(ctx, derivedKey{}, 1)
		if err := agent.Emit(derived, "\xff"); err != nil {
			return nil, err
		}
		return agent.Step(ctx, "s", func(ctx context.Context) (string, error) {
			agent.Beat(ctx)
			return fmt.Sprint(agent.Key(ctx), agent.Fence(ctx)), agent.Emit(ctx, " step")
		})
	})
	if err != nil || n.text != "body \uFFFD step" {
		t.Fatalf("%q, %v", n.text, err)
	}
	if agent.Key(t.Context()) != "" || agent.Fence(t.Context()) != 0 || agent.Emit(t.Context(), "x") == nil {
		t.Error("outside an agent there is a key, a fence or a text")
	}
}

func TestAnOperationWithAUnitOpenIsRefusedWithTheLine(t *testing.T) {
	_, _, err := execute(t, func(ctx agent.Context) (any, error) {
		pool := holding{}
		var inner error
		err := pool.Do(ctx, func(context.Context, struct{}) error {
			_, inner = agent.Step(ctx, "s", nothing)
			return nil
		})
		return nil, errors.Join(err, inner)
	})
	if e, ok := errors.AsType[*session.IllegalStateError](err); !ok || !strings.Contains(err.Error(), "step s") {
		t.Fatalf("%v, %+v", err, e)
	}
}

// holding opens units of nothing through the guard.
type holding struct{}

func (holding) Do(ctx context.Context, fn func(context.Context, struct{}) error) error {
	g := session.NewGuard("nothing")
	h, err := g.Open(ctx)
	if err != nil {
		return err
	}
	defer h.End(session.Committed, nil)
	return fn(h.Context(), struct{}{})
}

func TestMessagesAreTheThread(t *testing.T) {
	_, _, err := execute(t, func(ctx agent.Context) (any, error) {
		var seqs []int64
		for m := range seqsOf(agent.Messages(ctx)) {
			seqs = append(seqs, m)
		}
		if !slices.Equal(seqs, []int64{1, 4}) {
			t.Errorf("messages %v", seqs)
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func seqsOf(messages iter.Seq[reeve.Message]) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for m := range messages {
			if !yield(m.Seq) {
				return
			}
		}
	}
}

func TestPermanentKeepsTheError(t *testing.T) {
	boom := errors.New("boom")
	err := fmt.Errorf("wrapped: %w", agent.Permanent(boom))
	if !agent.IsPermanent(err) || !errors.Is(err, boom) || agent.IsPermanent(boom) || agent.Permanent(nil) != nil {
		t.Error(err)
	}
}

func TestALongKeyIsShortenedAndStaysItsOwn(t *testing.T) {
	long := strings.Repeat("k", 500)
	n, _, err := execute(t, func(ctx agent.Context) (any, error) {
		for _, key := range []string{long + "a", long + "b"} {
			if _, err := agent.StepKey(ctx, "s", key, nothing); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err != nil || len(n.ops[0].Path) > 2*reeve.MaxName || n.ops[0].Path == n.ops[1].Path {
		t.Fatal(err, n.ops)
	}
}

func TestAFutureBelongsToItsScope(t *testing.T) {
	leaf := agent.New("leaf", func(agent.Context, int) (int, error) { return 3, nil })
	_, _, err := execute(t, func(ctx agent.Context) (any, error) {
		f := agent.Go(ctx, leaf, 1)
		_, inside := agent.Step(ctx, "s", func(context.Context) (int, error) { return f.Wait(ctx) })
		if !errors.Is(inside, session.ErrIllegalState) {
			t.Errorf("waited inside a step: %v", inside)
		}
		other := agent.New("other", func(foreign agent.Context, _ int) (int, error) { return f.Wait(foreign) })
		_, elsewhere := agent.Call(ctx, other, 1)
		if !errors.Is(elsewhere, session.ErrIllegalState) {
			t.Errorf("waited in another scope: %v", elsewhere)
		}
		return f.Wait(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAPanicWhileReadingAnInputIsRefused(t *testing.T) {
	a := agent.New("touchy", func(_ agent.Context, in touchy) (int, error) { return int(in), nil })
	if err := agent.CheckInput(a, []byte(`1`)); reeve.CodeOf(err) != reeve.CodeInvalid {
		t.Fatal(err)
	}
}

type touchy int

func (*touchy) UnmarshalJSON([]byte) error { panic("ouch") }
