package agenttest

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/reeve-run/reeve"
)

// Log is the entries of one run, in their order. It prints as a table, with the number that
// CrashAfter takes in front.
type Log []reeve.Entry

// maxCell bounds the data that a table's line shows, in bytes.
const maxCell = 100

func (l Log) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "#\tkind\tpath\tattempt\ttry\tdata")
	for i, e := range l {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", i+1, e.Kind, e.Path, number(e.Attempt), number(e.Try), short(string(e.Data)))
	}
	_ = w.Flush() // to memory
	return b.String()
}

// number leaves a column empty where it says nothing.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func short(s string) string {
	if len(s) <= maxCell {
		return s
	}
	n := maxCell
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// twice names the outcomes that stand in the log more than once: what was recorded was done again.
func (l Log) twice() []string {
	var again []string
	seen := map[string]bool{}
	for _, e := range l {
		switch e.Kind {
		case reeve.KindStepCompleted, reeve.KindAgentReturned, reeve.KindAskOpened, reeve.KindTimerSet:
			what := string(e.Kind) + " " + e.Path
			if seen[what] {
				again = append(again, what)
			}
			seen[what] = true
		}
	}
	return again
}
