package handle

import "slices"

// Ends says whether calling the method on a handle of the kind ends it.
func Ends(k Kind, method string) bool { return slices.Contains(enders[k], method) }

var enders = map[Kind][]string{
	Conn: {"Close", "Release", "Hijack"},
	Tx:   {"Commit", "Rollback"},
	Rows: {"Close"},
	Row:  {"Scan", "StructScan", "MapScan", "SliceScan", "Err"},
	Stmt: {"Close"},
}

// Opens says whether a method of a pool or session takes a session.
func Opens(method string) bool { return slices.Contains(openers, method) }

var openers = []string{
	"Begin", "BeginTx", "Beginx", "BeginTxx", "MustBegin", "MustBeginTx", "Conn", "Connx",
	"Acquire",
}

// Queries says whether a method of a pool or session sends a statement.
func Queries(method string) bool { return slices.Contains(statements, method) }

var statements = []string{
	"Exec", "ExecContext", "Query", "QueryContext", "QueryRow", "QueryRowContext", "Prepare", "PrepareContext",
	"Queryx", "QueryxContext", "QueryRowx", "QueryRowxContext", "NamedExec", "NamedExecContext", "NamedQuery",
	"MustExec", "MustExecContext", "Get", "GetContext", "Select", "SelectContext", "Preparex", "PreparexContext",
	"SendBatch", "CopyFrom", "PrepareNamed", "PrepareNamedContext",
}
