package pysession

import "github.com/reeve-run/reeve/lint/rule"

// collector gathers the findings of one Check.
type collector struct{ list []rule.Finding }

var openedHow = map[how]string{
	opened: "the session is opened here", managed: "the session is opened here, and ended by this with",
	given: "the session comes from here, and whoever opened it ends it", provided: "the session comes from this provider",
	module_: "the session is opened when the module is loaded",
}

// finding reports in the last round, and nothing in tests.
func (w *walker) finding(name string, severity rule.Severity, at pos, message string, o *origin) {
	if !w.report || w.m.test() {
		return
	}
	r, _ := rule.Named(name)
	f := rule.Finding{
		Rule: name, Severity: severity, File: w.m.path, Line: at.line, Column: at.col,
		Message: message, Why: r.Why, Instead: r.Instead,
	}
	if o != nil && o.mod != nil && o.pos.line > 0 {
		f.Related = append(f.Related, rule.Related{Role: rule.Opened, File: o.mod.path, Line: o.pos.line, Column: o.pos.col, Message: openedHow[o.how]})
		f.Related = append(f.Related, rule.Related{Role: rule.Escaped, File: w.m.path, Line: at.line, Column: at.col, Message: "it leaves its scope here"})
		if o.end != (pos{}) {
			f.Related = append(f.Related, rule.Related{Role: rule.Ended, File: o.mod.path, Line: o.end.line, Column: o.end.col, Message: "the session is ended here"})
		}
	}
	w.p.found.list = append(w.p.found.list, f)
}
