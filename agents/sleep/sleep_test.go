package sleep_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agents/sleep"
	"github.com/reeve-run/reeve/agenttest"
)

func TestSleepTakesItsSteps(t *testing.T) {
	res := agenttest.Run(t, sleep.New(), sleep.Input{Steps: 3, MS: 60_000})
	if res.Err != nil || res.Output.Steps != 3 {
		t.Fatalf("%+v, %v\n%s", res.Output, res.Err, res.Log())
	}
	if diff := cmp.Diff([]string{"step", "step#2", "step#3"}, res.Steps()); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestSleepSurvivesEveryCrash(t *testing.T) {
	agenttest.EveryCrash(t, sleep.New(), sleep.Input{Steps: 3, MS: 5})
}

func TestSleepFailsWhereItIsTold(t *testing.T) {
	res := agenttest.Run(t, sleep.New(), sleep.Input{Steps: 3, MS: 1, FailAt: 2})
	if reeve.CodeOf(res.Err) != reeve.CodeStepFailed || !strings.Contains(res.Err.Error(), "step#2") {
		t.Fatalf("err = %v, want step#2 failed\n%s", res.Err, res.Log())
	}
	if diff := cmp.Diff([]string{"step"}, res.Steps()); diff != "" {
		t.Errorf("completed steps (-want +got):\n%s", diff)
	}
}

func TestSleepIsCancelledInsideAStep(t *testing.T) {
	res := agenttest.Run(t, sleep.New(), sleep.Input{Steps: 1, MS: 3_600_000}, agenttest.CancelIn(time.Second))
	if !errors.Is(res.Err, &reeve.Error{Code: reeve.CodeCancelled}) {
		t.Fatalf("err = %v, want cancelled\n%s", res.Err, res.Log())
	}
}

func TestSleepRefusesNumbersOutOfRange(t *testing.T) {
	for _, in := range []sleep.Input{
		{Steps: -1},
		{Steps: sleep.MaxSteps + 1},
		{Steps: 1, MS: -1},
		{Steps: 1, MS: sleep.MaxMS + 1},
		{Steps: 1, FailAt: 2},
		{Steps: 1, FailAt: -1},
	} {
		res := agenttest.Run(t, sleep.New(), in)
		if !errors.Is(res.Err, &reeve.Error{Code: reeve.CodeInvalid}) {
			t.Errorf("%+v: err = %v, want invalid", in, res.Err)
		}
	}
}
