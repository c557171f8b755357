package supervisor

import (
	"bytes"
	"encoding/json"
	"runtime/pprof"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/engine"
)

// maxStack bounds what is shown of one agent's goroutines, in bytes.
const maxStack = 8 << 10

// stacks are the goroutines of this process that carry an execution's labels, as the
// runtime saw them at one moment.
type stacks map[stackKey]string

type stackKey struct {
	run  reeve.RunID
	path string
}

// readStacks looks at every goroutine, which stops the process for a moment: it is for
// something that went wrong, or an operator's question, and once a tick at most.
func readStacks() stacks {
	var buf bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&buf, 1); err != nil {
		return nil // a buffer does not fail
	}
	found := stacks{}
	for block := range strings.SplitSeq(buf.String(), "\n\n") {
		found.read(block)
	}
	return found
}

// read takes one block of the profile: a count, the labels, and a line a frame.
func (s stacks) read(block string) {
	var labels map[string]string
	var frames strings.Builder
	for line := range strings.Lines(block) {
		if raw, ok := strings.CutPrefix(line, "# labels: "); ok {
			if json.Unmarshal([]byte(raw), &labels) != nil {
				return
			}
			continue
		}
		if fields := strings.Fields(line); len(fields) >= 4 && fields[0] == "#" {
			frames.WriteString(fields[2] + " " + fields[3] + "\n")
		}
	}
	run, ok := labels[engine.LabelRun]
	if !ok {
		return
	}
	key := stackKey{reeve.RunID(run), labels[engine.LabelPath]}
	if have := s[key]; have != "" && len(have) < maxStack {
		s[key] = have + "\n" + frames.String()
	} else if have == "" {
		s[key] = frames.String()[:min(frames.Len(), maxStack)]
	}
}

// of is what the agent's goroutines do; a sentence where it has none of its own.
func (s stacks) of(run reeve.RunID, path string) string {
	if found := s[stackKey{run, path}]; found != "" {
		return found
	}
	return "no goroutine carries this agent's label"
}
