package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reeve-run/reeve/agent"
)

// Order is what the crew is to do.
type Order struct {
	Path   string `json:"path"`   // the folder
	Report string `json:"report"` // the file to write
}

// Report is what came of it.
type Report struct {
	Total   Count    `json:"total"`
	Files   []Count  `json:"files"`
	Failed  []string `json:"failed,omitempty"`
	Written bool     `json:"written"`
}

// patience is how long the crew waits for a person before it takes silence for a no.
const patience = 24 * time.Hour

var crew = agent.New("crew", func(ctx agent.Context, order Order) (Report, error) {
	files, err := agent.Step(ctx, "list", func(context.Context) ([]string, error) { return texts(order.Path) })
	if err != nil {
		return Report{}, err
	}
	// A failing inspector does not stop the others: their counts come back beside the error.
	counts, failures := agent.Parallel(ctx, inspector, files, agent.AtMost(8))
	if ctx.Err() != nil {
		return Report{}, context.Cause(ctx)
	}
	report := sum(files, counts)
	approved, err := agent.Ask(ctx, "approve", agent.Question[bool]{
		Text:     question(report, failures, order.Report),
		Deadline: patience,
		Default:  new(false),
	})
	if err != nil || !approved {
		return report, err
	}
	report.Written, err = agent.Step(ctx, "write", func(context.Context) (bool, error) {
		return true, replace(order.Report, report.markdown())
	})
	return report, err
})

// texts lists what is to be inspected, always in the same order.
func texts(dir string) ([]string, error) {
	files := []string{}
	for _, pattern := range []string{"*.md", "*.txt", "*.go"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, agent.Permanent(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, agent.Permanent(fmt.Errorf("%s has no .md, .txt or .go files", dir))
	}
	slices.Sort(files)
	return files, nil
}

// sum adds up; the count of an inspector that failed is empty.
func sum(files []string, counts []Count) Report {
	r := Report{Files: []Count{}}
	for i, c := range counts {
		if c.File == "" {
			r.Failed = append(r.Failed, files[i])
			continue
		}
		r.Files = append(r.Files, c)
		r.Total.Lines += c.Lines
		r.Total.Words += c.Words
		r.Total.Todos += c.Todos
	}
	return r
}

func question(r Report, failures error, to string) string {
	text := fmt.Sprintf("%d files with %d words and %d TODOs. Write the report to %s?", len(r.Files), r.Total.Words, r.Total.Todos, to)
	if failures != nil {
		text += fmt.Sprintf("\n%d could not be read: %v", len(r.Failed), failures)
	}
	return text
}

func (r Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Texts\n\n| file | lines | words | TODOs |\n|---|---|---|---|\n")
	for _, c := range r.Files {
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", c.File, c.Lines, c.Words, c.Todos)
	}
	fmt.Fprintf(&b, "| total | %d | %d | %d |\n", r.Total.Lines, r.Total.Words, r.Total.Todos)
	for _, file := range r.Failed {
		fmt.Fprintf(&b, "\n%s could not be read.\n", file)
	}
	return b.String()
}

// replace writes a file whole or not at all: a step may be cut off anywhere and run again.
func replace(file, content string) error {
	temp, err := os.CreateTemp(filepath.Dir(file), ".report-*")
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	defer os.Remove(temp.Name()) // gone already when all went well
	if _, err := temp.WriteString(content); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := temp.Close(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return os.Rename(temp.Name(), file)
}
