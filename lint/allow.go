package lint

import (
	"regexp"
	"strings"
)

// allowComment is "//reeve:allow RULE REASON" or "# reeve: allow RULE REASON".
var allowComment = regexp.MustCompile(`(?://|#)\s*reeve:\s*allow\s+([a-z]+)(?:\s+(.*\S))?\s*$`)

// allow moves findings that a comment allows, on their line or the line above, to
// Allowed. A comment without a reason allows nothing.
func (r *Report) allow(s *sources) {
	lines := map[string][]string{}
	kept := r.Findings[:0]
	for _, f := range r.Findings {
		if _, ok := lines[f.File]; !ok {
			src, _ := s.read(f.File)
			lines[f.File] = strings.Split(string(src), "\n")
		}
		switch reason, found := allowedAt(lines[f.File], f); {
		case !found:
			kept = append(kept, f)
		case reason == "":
			f.Message += " (the allow comment gives no reason, so it does not count)"
			kept = append(kept, f)
		default:
			r.Allowed = append(r.Allowed, Allowed{Finding: f, Reason: reason})
		}
	}
	r.Findings = kept
}

func allowedAt(lines []string, f Finding) (reason string, found bool) {
	for _, n := range []int{f.Line - 1, f.Line - 2} {
		if n < 0 || n >= len(lines) {
			continue
		}
		if m := allowComment.FindStringSubmatch(lines[n]); m != nil && m[1] == f.Rule {
			return m[2], true
		}
	}
	return "", false
}
