package pysession

// builtins are the functions of Python itself that pass sessions on.
var builtins = map[string]bool{
	"next": true, "anext": true, "map": true, "list": true, "tuple": true, "set": true, "iter": true, "aiter": true,
}

// builtin calls a function of Python itself. It gives nil where it is none of those that matter.
func (w *walker) builtin(name string, args arguments, e *expr) *value {
	if !builtins[name] || len(args.list) == 0 {
		return nil
	}
	first := args.list[0]
	switch name {
	case "next", "anext":
		return w.pull(first, e, len(e.kids) > 1 && isCall(e.kids[1]), name == "anext")
	case "map":
		job := &value{carries: w.carried(args.list)}
		return &value{kind: many, fresh: true, elems: []*value{job, job}} // it comes more than once
	}
	return first
}

func isCall(e *expr) bool { return e != nil && e.op == opCall }
