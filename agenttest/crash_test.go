package agenttest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/agenttest"
)

// wrongCase tells TestWrong, in a process of its own, which wrong thing to do.
const wrongCase = "AGENTTEST_WRONG_CASE"

// wrong is what must fail an author's test, and what the failure must say.
var wrong = map[string]struct {
	do   func(*testing.T)
	says []string
}{
	"a body that decides by what is not recorded": {
		do: func(t *testing.T) {
			runs := 0
			agenttest.EveryCrash(t, agent.New("fickle", func(ctx agent.Context, _ any) (int, error) {
				runs++
				name := "heads"
				if runs%2 == 0 {
					name = "tails"
				}
				return agent.Step(ctx, name, func(context.Context) (int, error) { return 1, nil })
			}), nil)
		},
		says: []string{"agent fickle", "dying after entry 4 (step.completed tails)", `"heads"`, "diverged", "step.completed"},
	},
	"a result that is not recorded": {
		do: func(t *testing.T) {
			runs := 0
			agenttest.EveryCrash(t, agent.New("counter", func(ctx agent.Context, _ any) (int, error) {
				runs++
				_, err := agent.Step(ctx, "work", func(context.Context) (int, error) { return 1, nil })
				return runs, err
			}), nil)
		},
		says: []string{"agent counter", "dying after entry 3 (run.started)", "ended otherwise"},
	},
	"a death after the end": {
		do:   func(t *testing.T) { agenttest.Run(t, upper, "a", agenttest.CrashAfter(60)) },
		says: []string{"CrashAfter(60): the run has only", "run.completed"},
	},
	"a cancel after the end": {
		do:   func(t *testing.T) { agenttest.Run(t, upper, "a", agenttest.CancelAfter(60)) },
		says: []string{"CancelAfter(60): the run has only"},
	},
	"entry 0": {
		do:   func(t *testing.T) { agenttest.Run(t, upper, "a", agenttest.CrashAfter(0)) },
		says: []string{"entries are counted from 1"},
	},
	"an answer that is not JSON": {
		do:   func(t *testing.T) { agenttest.Run(t, upper, "a", agenttest.Answer("q", make(chan int))) },
		says: []string{"answer to q is not JSON"},
	},
	"crashes of both kinds": {
		do:   func(t *testing.T) { agenttest.EveryCrash(t, upper, "a", agenttest.CrashAfter(3)) },
		says: []string{"leave out CrashAfter"},
	},
}

// TestWrong does nothing unless TestWrongUseFailsTheTest says what.
func TestWrong(t *testing.T) {
	if c, ok := wrong[os.Getenv(wrongCase)]; ok {
		c.do(t)
	}
}

func TestWrongUseFailsTheTest(t *testing.T) {
	t.Parallel()
	for name, c := range wrong {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWrong$", "-test.v")
			cmd.Env = append(os.Environ(), wrongCase+"="+name)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the test passed:\n%s", out)
			}
			for _, say := range c.says {
				if !strings.Contains(string(out), say) {
					t.Errorf("the failure does not say %q:\n%s", say, out)
				}
			}
		})
	}
}

func TestCompareTellsWhatIsEqual(t *testing.T) {
	dice := agent.New("dice", func(ctx agent.Context, _ any) (uint64, error) {
		n := agent.Rand(ctx)
		return n, agent.Sleep(ctx, "roll", 1)
	})
	agenttest.EveryCrash(t, dice, nil, agenttest.Compare(cmp.Comparer(func(a, b uint64) bool { return a != 0 && b != 0 })))
}
