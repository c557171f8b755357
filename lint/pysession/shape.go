package pysession

func eachStmt(body []stmt, see func(*stmt)) {
	for i := range body {
		s := &body[i]
		see(s)
		eachStmt(s.body, see)
		for _, arm := range s.arms {
			eachStmt(arm, see)
		}
		eachStmt(s.final, see)
	}
}

// String is a name or a chain of attributes as it is written.
func (e *expr) String() string {
	switch {
	case e == nil:
		return "..."
	case e.op == opName:
		return e.name
	case e.op == opAttr:
		return e.kids[0].String() + "." + e.name
	case e.op == opIndex:
		return e.kids[0].String() + "[...]"
	case e.op == opCall:
		return e.kids[0].String() + "(...)"
	}
	return "..."
}
