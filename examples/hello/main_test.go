package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/reeve-run/reeve/agenttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHello(t *testing.T) {
	res := agenttest.Run(t, hello, input{"World"})
	if res.Err != nil || res.Output != "Hello, World!" || res.Text("") != "Hello, World!" {
		t.Fatalf("%v: %q, text %q\n%s", res.Err, res.Output, res.Text(""), res.Log())
	}
}

func TestHelloSurvivesEveryCrash(t *testing.T) { agenttest.EveryCrash(t, hello, input{"World"}) }
