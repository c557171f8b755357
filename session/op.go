package session

// Op is what is done with a unit. It fits into the unit's state word, so that
// an overlap can name both sides.
type Op uint8

// The operations of a unit.
const (
	OpNone Op = iota
	OpBegin
	OpExec
	OpQuery
	OpQueryRow
	OpPrepare
	OpStmt
	OpBatch
	OpCopy
	OpCommit
	OpRollback
	OpClose
	OpConn
	OpLargeObjects
)

var opNames = [...]string{
	"use", "begin", "exec", "query", "query row", "prepare", "use of a statement", "batch", "copy",
	"commit", "rollback", "close", "use of the connection", "use of large objects",
}

func (o Op) String() string { return opNames[o] }

// End is how a unit ended.
type End uint8

// The ways a unit ends.
const (
	EndNone       End = iota
	Committed         // the function returned nil
	Released          // the function returned nil, and there was no transaction
	RolledBack        // the function returned an error, or the commit was refused
	Panicked          // the function panicked
	Cancelled         // its context was cancelled
	Failed            // the database refused to begin, commit or roll back
	Abandoned         // it was held for too long or dropped, and taken away
	endNamesCount = iota
)

var endNames = [endNamesCount]string{
	"not ended", "committed", "released", "rolled back", "rolled back by a panic",
	"rolled back because its context was cancelled", "failed", "taken away",
}

func (e End) String() string { return endNames[e] }
