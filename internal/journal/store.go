package journal

import (
	"context"
	"encoding/json"
	"time"

	"github.com/reeve-run/reeve"
)

// Store is what the journal needs of a database. Its roles are declared one by
// one, so that a room that needs only one of them says so.
//
// Every method may be called from several goroutines. Every method opens and
// ends its own unit of work; none is open when it returns. An error that is a
// *reeve.Error is a decision; any other is the database's trouble.
type Store interface {
	Writer
	Claimer
	Reader
	Members
	Keeper
}

// Writer commits.
type Writer interface {
	// Commit writes a batch in one transaction and answers each op at its own
	// place. A refusal is for one op alone and stands in its Result; the others
	// are written. The ops of one thread are taken in their order.
	//
	// An error means that nothing of the batch is known to be written. When it is
	// a *PoisonError, nothing is, and the database refused a value. Otherwise the
	// caller hands in the same batch again: what had landed is told from what had
	// not by Append.Number, by Accept.Key, and by the state of the run or question.
	Commit(ctx context.Context, batch []Op) ([]Result, error)
}

// PoisonError is a batch that the database refuses for a value in it, not for
// its own trouble. The lane halves such a batch until the guilty op stands alone.
type PoisonError struct{ Err error }

func (e *PoisonError) Error() string { return "the database refused a value: " + e.Err.Error() }
func (e *PoisonError) Unwrap() error { return e.Err }

// Op is one thread's part of a batch: *Append, *Accept, *Answer, *Cancel or *Retry.
type Op interface {
	On() reeve.ThreadID
	rows() int
	bytes() int
}

// Draft is an entry that has no position yet.
type Draft struct {
	Kind    reeve.Kind
	Run     reeve.RunID
	Path    string
	Scope   string
	Name    string
	N       int
	Attempt int
	Try     int
	Data    json.RawMessage
	// Interim says that nothing is settled by the entry: a further try follows. It is not stored; it
	// keeps the entry from counting as progress.
	Interim bool
}

// Append is the owner's entries for its thread, one at least. It bears the fence of its
// claim; with another fence, or after the thread was let go, it is refused with CodeFenced.
type Append struct {
	Thread reeve.ThreadID
	Fence  int64
	// Number is the owner's number, within its claim, of the first entry; the
	// entries are numbered on from there, and the first of a claim is 1. The row keeps
	// the last number and its position (ack, ack_seq) in the same commit. An op whose
	// numbers the row has already is answered with the positions it was given then, and
	// with its refusal where it was refused. Gaps are legal: a refused or poisoned append leaves one.
	Number  int64
	Entries []Draft
	Change  *Change // what becomes of the run, or nil
	// Progress clears the run's strikes: something new was recorded since the takeover.
	Progress bool
}

// Change is what an Append does to the run in hand, in the same commit. Another run, or a
// transition that is not legal, refuses the whole Append with CodeConflict.
type Change struct {
	Run    reeve.RunID
	Status reeve.Status
	Result json.RawMessage // of a completed run
	Error  *reeve.Failure  // of a failed run

	// Release lets go of the thread: it has no node afterwards. An ended run always lets
	// go. Wake is when the thread is to be claimed again; zero: only when somebody writes to it.
	// Without IfLastSeq, what was written from outside and not looked at wakes it at once.
	Release bool
	Wake    time.Time
	// IfLastSeq refuses the whole Append with CodeConflict unless the thread's last entry
	// is this one; 0: no condition. A run lets go to wait only when it has read everything.
	IfLastSeq int64
}

// Accept starts a run from outside: the input as message.added, then run.queued, and
// the projections; run.started too when Take names a node and the thread is free.
type Accept struct {
	Thread   reeve.ThreadID
	Create   bool   // make the thread if it is not there
	Owner    string // the thread must be this owner's; otherwise CodeNotFound
	Title    string
	Metadata json.RawMessage

	Agent   string
	Version string
	Input   json.RawMessage
	OnBusy  reeve.OnBusy // with Reject a busy thread is CodeBusy; Interrupt also writes cancel.requested for each run that has not ended

	// Key is the Idempotency-Key, "" without one. A second Accept on the thread with the
	// same key writes nothing and is answered with the first run; with another Hash it is CodeKeyReused.
	// A key goes with its run when that is pruned.
	Key  string
	Hash string

	Take reeve.NodeID // claim the thread at once for this node if it is free and its agent not paused; "" otherwise
}

// Answer closes an open question. The first in the log wins; afterwards it is CodeConflict.
// The entry bears the number and scope of the question. It takes no fence: a client and
// the owner (for a deadline) write it alike.
type Answer struct {
	Run   reeve.RunID
	Path  string // the question's path; none open there is CodeConflict, no such run CodeNotFound
	Value json.RawMessage
	By    string // "client" or "deadline"
}

// Cancel asks a run to end. A queued or waiting run that no node holds ends in the same
// commit (run.cancelled); otherwise the owner ends it. An ended run is CodeConflict, a
// second request writes nothing and is no error.
type Cancel struct {
	Run    reeve.RunID
	Reason string
}

// Retry queues a failed run again (run.queued with retry), without strikes and without an
// earlier request to cancel; its open questions are open again. Any other status is CodeConflict.
type Retry struct {
	Run reeve.RunID
}

// Result answers one op.
type Result struct {
	Err     error         // a *reeve.Error: refused, alone
	Entries []reeve.Entry // what was written, with positions; on a resend of an Append, positions alone are sure
	LastSeq int64         // the thread's last entry after the op

	Run      reeve.Run // Accept, Cancel, Retry: the run as it stands
	Existing bool      // Accept: the Idempotency-Key's first run
	Claimed  *Claimed  // Accept with Take: the thread is the node's
	Runnable bool      // the op made the thread ready to be claimed
}

// Claimer gives threads to nodes.
type Claimer interface {
	// Claim gives the node up to q.Limit threads whose time has come and that no living
	// node holds, oldest first, in one unit. It raises the fence, clears ack, and writes
	// run.started (a first start, or a takeover from a dead node: attempt+1, strikes+1)
	// or run.resumed (a wait or a hand-over: the attempt stays).
	Claim(ctx context.Context, q ClaimQuery) ([]Claimed, error)
	// Inbox names the node's threads that somebody wrote to from outside, and clears
	// their mark. The owner reads each from its position on.
	Inbox(ctx context.Context, node reeve.NodeID) ([]reeve.ThreadID, error)
}

// ClaimQuery says which threads a node can take.
type ClaimQuery struct {
	Node   reeve.NodeID
	Agents []string    // agents that the node has; paused ones are passed over
	Run    reeve.RunID // only this run; "" for any
	Except []string    // owners at their limit
	Limit  int         // at most this many, 1 to 1,000
}

// Claimed is a thread in the hands of its new owner.
type Claimed struct {
	Run      reeve.Run
	Fence    int64
	Epoch    int64
	LastSeq  int64  // after run.started or run.resumed
	InputSeq int64  // the thread's last entry when the run first started: what Messages sees
	Strikes  int    // takeovers in a row with nothing new recorded
	Replay   bool   // the log may hold entries of this run beyond its queueing and starting
	Owner    string // the thread's
	Entries  []reeve.Entry
}

// Reader reads. What it gives may be older than the latest commit by one transaction, never torn.
type Reader interface {
	Thread(ctx context.Context, id reeve.ThreadID) (reeve.Thread, error)
	Threads(ctx context.Context, q ThreadQuery) ([]reeve.Thread, error)
	Run(ctx context.Context, id reeve.RunID) (reeve.Run, error)
	Runs(ctx context.Context, q RunQuery) ([]reeve.Run, error)
	// Entries reads a thread's entries after q.After in their order, at most q.Limit of them
	// and about q.MaxBytes of data (at least one entry when there is one).
	Entries(ctx context.Context, q EntryQuery) ([]reeve.Entry, error)
	// Heads gives the last position of each thread; one that does not exist is left out.
	Heads(ctx context.Context, ids []reeve.ThreadID) (map[reeve.ThreadID]reeve.Position, error)
}

// ThreadQuery pages through threads, newest first.
type ThreadQuery struct {
	Owner  string         // "" for every owner's
	Before reeve.ThreadID // the last one of the page before; "" from the top
	Limit  int            // 1 to 1,000
}

// RunQuery pages through runs, newest first.
type RunQuery struct {
	Owner   string
	Thread  reeve.ThreadID
	Agent   string
	Status  reeve.Status
	Created time.Time   // only runs created before; zero for all
	Before  reeve.RunID // the last one of the page before; "" from the top
	Limit   int         // 1 to 1,000
}

// EntryQuery reads a stretch of a thread's log.
type EntryQuery struct {
	Thread   reeve.ThreadID
	After    int64
	Run      reeve.RunID  // only this run's entries; "" for all
	Kinds    []reeve.Kind // only these; nil for all
	Without  reeve.Kind   // all but this; "" for all
	Limit    int          // 0: as many as MaxBytes allows
	MaxBytes int          // 0: 8 MiB
}

// Members keeps the list of nodes.
type Members interface {
	// Join enters a node. A store that only one process can hold (SQLite by its lock, memory
	// by its nature) declares every other node dead, so that their threads are free at once.
	Join(ctx context.Context, n Node) error
	// Beat raises the node's counter. A node that was declared dead gets CodeFenced.
	Beat(ctx context.Context, id reeve.NodeID) error
	// Leave takes the node out; what it still holds is free, as after a death.
	Leave(ctx context.Context, id reeve.NodeID) error
}

// Node is one reeve process as the others see it.
type Node struct {
	ID      reeve.NodeID
	Address string
	Version string
}

// Keeper is for operators.
type Keeper interface {
	// CreateThread makes an empty thread. One that is there already is CodeConflict.
	CreateThread(ctx context.Context, t reeve.Thread) (reeve.Thread, error)
	SetPaused(ctx context.Context, agent string, paused bool) error
	Paused(ctx context.Context) ([]string, error)
	// Prune removes whole ended runs, finished before the time, from the fronts of threads,
	// and sets first_seq in the same commit; never at or after the first entry of a run that
	// has not ended. It says how many runs it removed; it looks at no more than limit.
	Prune(ctx context.Context, before time.Time, limit int) (int, error)
	// DeleteThread removes a thread and all that is its; one made later under the same id
	// has another epoch and higher fences. With a run that has not ended it is
	// CodeConflict; where there is none of that owner ("" for any), CodeNotFound.
	DeleteThread(ctx context.Context, owner string, id reeve.ThreadID) error
	// Check says whether the store can be read and written just now, and names what an
	// operator should know of it (journal mode, synchronous, file, size).
	Check(ctx context.Context) (map[string]string, error)
	Close() error
}
