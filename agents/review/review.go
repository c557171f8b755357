package review

import (
	"context"
	"runtime"
	"time"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/lint"
)

// Input is what to look at: a folder or file below an allowed root, absolute or
// relative to the first root.
type Input struct {
	Path string `json:"path"`
}

// Output is the report: Markdown, and the counts it begins with.
type Output struct {
	Text   string `json:"text"`
	Counts Counts `json:"counts"`
}

// Counts is the report in numbers.
type Counts struct {
	Files    int `json:"files"`
	Scanned  int `json:"scanned"` // of them looked at: Go and Python
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Infos    int `json:"infos"`
	Allowed  int `json:"allowed"`
	Skipped  int `json:"skipped"`
}

// New makes the crew's supervisor. Roots are the folders it may read; without any, the
// working directory.
func New(roots ...string) []agent.Runnable {
	c := &crew{roots: roots}
	c.inventory = agent.New("inventory", c.takeInventory)
	c.scan = agent.New("scan", c.look)
	c.report = agent.New("report", func(_ agent.Context, in findings) (Output, error) { return write(in), nil })
	return []agent.Runnable{agent.New("review", c.review)}
}

// crew is the agents that review calls.
type crew struct {
	roots     []string
	inventory *agent.Agent[Input, Inventory]
	scan      *agent.Agent[part, lint.Report]
	report    *agent.Agent[findings, Output]
}

// bounds of one scan.
const (
	scanTimeout = 10 * time.Minute
	scanSilence = 2 * time.Minute
	maxFindings = 2000 // of one scan; more would not fit an entry, and nobody reads them
)

func (c *crew) review(ctx agent.Context, in Input) (Output, error) {
	inv, err := agent.Call(ctx, c.inventory, in)
	if err != nil {
		return Output{}, err
	}
	reports, err := agent.Parallel(ctx, c.scan, inv.Parts, agent.AtMost(max(2, runtime.NumCPU())))
	if err != nil {
		return Output{}, err
	}
	return agent.Call(ctx, c.report, findings{Inventory: inv, Reports: reports})
}

// look is one scan.
func (c *crew) look(ctx agent.Context, p part) (lint.Report, error) {
	return agent.Step(ctx, "look", func(ctx context.Context) (lint.Report, error) {
		base, err := c.base(p.Base)
		if err != nil {
			return lint.Report{}, agent.Permanent(err)
		}
		r, err := lint.Vet(ctx, lint.Options{Dir: base, Paths: p.Paths, Confined: true, Offline: true})
		if len(r.Findings) > maxFindings {
			r.Skipped = append(r.Skipped, lint.Skipped{Path: p.Name, Reason: tooMany(len(r.Findings))})
			r.Findings = r.Findings[:maxFindings]
		}
		return r, err
	}, agent.Timeout(scanTimeout), agent.StallAfter(scanSilence))
}

// findings is what report gets.
type findings struct {
	Inventory Inventory     `json:"inventory"`
	Reports   []lint.Report `json:"reports"`
}
