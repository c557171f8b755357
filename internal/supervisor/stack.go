package supervisor

import (
	"bytes"
	"encoding/json"
	"runtime/pprof"
	"strconv"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/engine"
)

// maxStack bounds what is shown of one agent's goroutines, in bytes.
const maxStack = 8 << 10

// stacks is the runtime's picture of every goroutine at one moment, as text: a block for each
// labelled stack. Blocks are taken apart only for the run that is asked for, because with ten thousand
// runs there are as many blocks.
type stacks string

// readStacks looks at every goroutine, which stops the process for a moment: it is for
// something that went wrong, or an operator's question, and once a tick at most.
func readStacks() stacks {
	var buf bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&buf, 1); err != nil {
		return "" // a buffer does not fail
	}
	return stacks(buf.String())
}

// of is the stacks of the run's goroutines, by the path of their agent.
func (s stacks) of(run reeve.RunID) map[string]string {
	label := strconv.Quote(engine.LabelRun) + ":" + strconv.Quote(string(run))
	found := map[string]string{}
	rest := string(s)
	for {
		i := strings.Index(rest, label)
		if i < 0 {
			return found
		}
		begin := strings.LastIndexByte(rest[:i], '\n') + 1 // the line of labels
		end := len(rest)
		if n := strings.Index(rest[i:], "\n\n"); n >= 0 {
			end = i + n
		}
		if path, frames, ok := readBlock(rest[begin:end], run); ok && len(found[path]) < maxStack {
			found[path] += frames
		}
		rest = rest[end:]
	}
}

// readBlock takes a line of labels and a line a frame.
func readBlock(block string, run reeve.RunID) (path, frames string, ok bool) {
	var labels map[string]string
	first, rest, _ := strings.Cut(block, "\n")
	raw, ok := strings.CutPrefix(first, "# labels: ")
	if !ok || json.Unmarshal([]byte(raw), &labels) != nil || labels[engine.LabelRun] != string(run) {
		return "", "", false
	}
	var b strings.Builder
	for line := range strings.Lines(rest) {
		if fields := strings.Fields(line); len(fields) >= 4 && fields[0] == "#" && b.Len() < maxStack {
			b.WriteString(fields[2] + " " + fields[3] + "\n")
		}
	}
	return labels[engine.LabelPath], b.String() + "\n", true
}

// shown is what is said of an agent whose goroutine could not be found.
func shown(found map[string]string, path string) string {
	if s := strings.TrimSpace(found[path]); s != "" {
		return s
	}
	return "no goroutine carries this agent's label"
}
