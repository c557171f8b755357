package cli

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve/agent"
)

type textIn struct {
	Text string `json:"text"`
}

// The agents of the scripts.
var scripted = []agent.Runnable{
	agent.New("say", func(ctx agent.Context, in textIn) (textIn, error) {
		if err := agent.Emit(ctx, "you said: "+in.Text+"\n"); err != nil {
			return textIn{}, err
		}
		return agent.Step(ctx, "speak", func(context.Context) (textIn, error) { return in, nil })
	}),
	agent.New("count", func(ctx agent.Context, in struct{ To int }) ([]int, error) {
		var all []int
		for n := range in.To {
			v, err := agent.Step(ctx, "one", func(context.Context) (int, error) { return n, nil })
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		return all, nil
	}),
	agent.New("fail", func(ctx agent.Context, _ any) (string, error) {
		return agent.Step(ctx, "break", func(context.Context) (string, error) {
			return "", agent.Permanent(errors.New("it is broken"))
		})
	}),
	agent.New("approve", func(ctx agent.Context, in textIn) (string, error) {
		yes, err := agent.Ask(ctx, "sure", agent.Question[bool]{Text: "Are you sure of " + in.Text + "?"})
		if err != nil || !yes {
			return "no", err
		}
		return "yes", nil
	}),
	agent.New("long", func(ctx agent.Context, _ any) (string, error) {
		return agent.Step(ctx, "wait", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", context.Cause(ctx)
		}, agent.Tries(1))
	}),
}

func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"reeve": func() { Main(scripted...) }})
}

// leakless looks for goroutines that were left when all tests are over.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	status := l.m.Run()
	if err := goleak.Find(); status == 0 && err != nil {
		println(err.Error())
		return 1
	}
	return status
}

// awaitBound is far above what a slow machine needs.
const awaitBound = time.Minute

// TestScripts tries the command as its user types it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "xdg"))
			env.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"status": status, "await": await},
	})
}

// status N COMMAND: the command ends with exit status N.
func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitStatus(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

func exitStatus(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	}
	return -1
}

// await COMMAND: the command succeeds before long.
func await(ts *testscript.TestScript, _ bool, args []string) {
	var err error
	for end := time.Now().Add(awaitBound); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err = ts.Exec(args[0], args[1:]...); err == nil {
			return
		}
	}
	ts.Fatalf("%v: %v", args, err)
}
