package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/reeve-run/reeve/agent"
)

// Count is what one text holds.
type Count struct {
	File  string `json:"file"`
	Lines int    `json:"lines"`
	Words int    `json:"words"`
	Todos int    `json:"todos"`
}

// maxLine is the longest line that is read, in bytes.
const maxLine = 1 << 20

// inspector counts one text. The file is read in one step, so that what was counted stays counted.
var inspector = agent.New("inspector", func(ctx agent.Context, file string) (Count, error) {
	return agent.Step(ctx, "count", func(ctx context.Context) (Count, error) {
		f, err := os.Open(file)
		if err != nil {
			return Count{}, agent.Permanent(err)
		}
		defer f.Close()
		c := Count{File: file}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, maxLine)
		for lines.Scan() {
			c.Lines++
			c.Words += len(strings.Fields(lines.Text()))
			c.Todos += strings.Count(lines.Text(), "TODO")
		}
		if err := lines.Err(); err != nil {
			return Count{}, agent.Permanent(fmt.Errorf("read %s: %w", file, err))
		}
		return c, agent.Emit(ctx, fmt.Sprintf("%s: %d words\n", file, c.Words))
	})
})
