package agenttest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/agenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const week = 7 * 24 * time.Hour

var upper = agent.New("upper", func(ctx agent.Context, word string) (string, error) {
	return agent.Step(ctx, "raise", func(ctx context.Context) (string, error) {
		return strings.ToUpper(word), agent.Emit(ctx, "raising "+word)
	})
})

type order struct {
	Words    []string `json:"words"`
	Approved bool     `json:"approved"`
}

// crew calls an agent that nobody registers, sleeps for a week, and asks.
var crew = agent.New("crew", func(ctx agent.Context, words []string) (order, error) {
	raised, err := agent.Parallel(ctx, upper, words)
	if err != nil {
		return order{}, err
	}
	if err := agent.Sleep(ctx, "think", week); err != nil {
		return order{}, err
	}
	approved, err := agent.Ask(ctx, "publish", agent.Question[bool]{Text: "Shall I?"})
	return order{raised, approved}, err
})

func TestRunWithBranchesSleepAndQuestion(t *testing.T) {
	began := time.Now()
	res := agenttest.Run(t, crew, []string{"a", "b"}, agenttest.AnswerAfter("publish", time.Hour, true))
	if diff := cmp.Diff(order{[]string{"A", "B"}, true}, res.Output); res.Err != nil || diff != "" {
		t.Fatal(res.Err, diff)
	}
	if res.Attempts != 1 || res.Took < week+time.Hour || res.Took > week+2*time.Hour {
		t.Fatalf("%d attempts took %s", res.Attempts, res.Took)
	}
	if took := time.Since(began); took > time.Minute {
		t.Fatalf("virtual time took %s", took)
	}
	if got := res.Text("upper#2/raise"); got != "raising b" {
		t.Fatalf("text %q", got)
	}
	if n := len(res.Steps()); n != 2 {
		t.Fatalf("steps %v", res.Steps())
	}
}

func TestRunInsideABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 2 {
			if res := agenttest.Run(t, crew, []string{"a"}, agenttest.Answer("publish", false)); res.Err != nil || res.Took < week {
				t.Fatal(res.Err, res.Took)
			}
		}
		agenttest.EveryCrash(t, crew, []string{"a"}, agenttest.Answer("publish", false))
	})
}

func TestRunInRealTime(t *testing.T) {
	short := agent.New("short", func(ctx agent.Context, _ any) (any, error) {
		return nil, agent.Sleep(ctx, "nap", 10*time.Millisecond)
	})
	if res := agenttest.Run(t, short, nil, agenttest.RealTime(), agenttest.CrashAfter(4)); res.Err != nil || res.Attempts != 2 {
		t.Fatalf("%v after %d attempts\n%s", res.Err, res.Attempts, res.Log())
	}
}

func TestCrashesAreAttempts(t *testing.T) {
	ran := 0
	steps := agent.New("steps", func(ctx agent.Context, n int) (int, error) {
		for i := range n {
			if _, err := agent.Step(ctx, "step", func(context.Context) (int, error) { ran++; return i, nil }); err != nil {
				return 0, err
			}
		}
		return n, nil
	})
	res := agenttest.Run(t, steps, 3, agenttest.CrashAfter(1, 5, 7, 9))
	if res.Err != nil || res.Output != 3 || ran != 3 {
		t.Fatalf("%v, output %d, %d steps ran\n%s", res.Err, res.Output, ran, res.Log())
	}
	if res.Attempts != 5 {
		t.Fatalf("%d attempts\n%s", res.Attempts, res.Log())
	}
	if diff := cmp.Diff([]string{"step", "step#2", "step#3"}, res.Steps()); diff != "" {
		t.Fatal(diff)
	}
}

func TestEveryCrash(t *testing.T) {
	agenttest.EveryCrash(t, crew, []string{"a", "b", "c"}, agenttest.AnswerAfter("publish", time.Hour, true))
}

func TestEveryCrashOfAFailingAgent(t *testing.T) {
	failing := agent.New("failing", func(ctx agent.Context, _ any) (int, error) {
		return agent.Step(ctx, "break", func(context.Context) (int, error) {
			return 0, agent.Permanent(errors.New("broken"))
		})
	})
	agenttest.EveryCrash(t, failing, nil)
}

func TestMessagesAndEarlierRuns(t *testing.T) {
	talk := agent.New("talk", func(ctx agent.Context, in string) ([]string, error) {
		var said []string
		for m := range agent.Messages(ctx) {
			said = append(said, fmt.Sprintf("%s %s", m.Role, m.Content))
		}
		return said, nil
	})
	res := agenttest.Run(t, talk, "third", agenttest.Earlier("first", "1"), agenttest.Earlier("second", 2))
	want := []string{`user "first"`, `agent "1"`, `user "second"`, `agent 2`, `user "third"`}
	if diff := cmp.Diff(want, res.Output); res.Err != nil || diff != "" {
		t.Fatal(res.Err, diff)
	}
	if first := res.Log()[0]; first.Kind != reeve.KindMessageAdded || first.Seq != 11 {
		t.Fatalf("the log begins with %s at %d", first.Kind, first.Seq)
	}
}

func TestUnansweredQuestionSaysSo(t *testing.T) {
	res := agenttest.Run(t, crew, nil)
	if res.Status != reeve.StatusWaiting || res.Err == nil || !strings.Contains(res.Err.Error(), `agenttest.Answer("publish"`) {
		t.Fatalf("%s: %v", res.Status, res.Err)
	}
}

func TestCancel(t *testing.T) {
	for name, c := range map[string]struct {
		opt    agenttest.Option
		wanted time.Duration
	}{
		"after an entry":    {agenttest.CancelAfter(4), 0},
		"while it waits":    {agenttest.CancelIn(48 * time.Hour), 48 * time.Hour},
		"before it started": {agenttest.CancelAfter(1), 0},
	} {
		t.Run(name, func(t *testing.T) {
			res := agenttest.Run(t, crew, nil, c.opt)
			if res.Status != reeve.StatusCancelled || !errors.Is(res.Err, agent.ErrCancelled) || res.Took < c.wanted || res.Took > c.wanted+time.Hour {
				t.Fatalf("%s after %s: %v\n%s", res.Status, res.Took, res.Err, res.Log())
			}
		})
	}
}

func TestFailureHasItsCode(t *testing.T) {
	taken := agent.New("taken", func(ctx agent.Context, _ any) (int, error) {
		return agent.Step(ctx, "reserve", func(context.Context) (int, error) {
			return 0, reeve.Errorf(reeve.CodeConflict, "taken")
		})
	})
	res := agenttest.Run(t, taken, nil)
	if res.Status != reeve.StatusFailed || reeve.CodeOf(res.Err) != reeve.CodeConflict || !strings.Contains(res.Err.Error(), "taken") {
		t.Fatalf("%s: %v", res.Status, res.Err)
	}
}

func TestTextIsTheLastTrys(t *testing.T) {
	tries := 0
	stutter := agent.New("stutter", func(ctx agent.Context, _ any) (any, error) {
		if err := agent.Emit(ctx, "body"); err != nil {
			return nil, err
		}
		return agent.Step(ctx, "say", func(ctx context.Context) (int, error) {
			tries++
			_ = agent.Emit(ctx, fmt.Sprint("try ", tries))
			if tries < 3 {
				return 0, errors.New("again")
			}
			return tries, nil
		})
	})
	res := agenttest.Run(t, stutter, nil)
	if res.Err != nil || res.Text("say") != "try 3" || res.Text("") != "body" {
		t.Fatalf("%v: %q and %q\n%s", res.Err, res.Text("say"), res.Text(""), res.Log())
	}
}

func TestLogPrintsAsATable(t *testing.T) {
	res := agenttest.Run(t, upper, "a")
	for i, line := range []string{"#  kind", "1  message.added", "2  run.queued", "3  run.started"} {
		if got := strings.Split(res.Log().String(), "\n")[i]; !strings.HasPrefix(got, line) {
			t.Errorf("line %d is %q, want %q", i, got, line)
		}
	}
	if table := res.Log().String(); !strings.Contains(table, `"A"`) {
		t.Error(table)
	}
}
