package rule

import "slices"

// Rule is one thing that lint looks for. Why and Instead stand in every finding of the rule.
type Rule struct {
	Name     string   `json:"name"`
	Severity Severity `json:"severity"` // of a proven finding
	Summary  string   `json:"summary"`  // one line
	Why      string   `json:"why"`
	Instead  string   `json:"instead"`
}

// The names of the rules.
const (
	Stored        = "sessionstored"
	Spawned       = "sessionspawned"
	UsedAfterEnd  = "usedafterend"
	NeverEnded    = "neverended"
	OuterHandle   = "outerhandle"
	NestedAcquire = "nestedacquire"
	ClosedBusy    = "closedbusy"
	LostCommit    = "lostcommit"
	WaitHolding   = "waitholding"
	UnreadRows    = "unreadrows"
	PoolState     = "poolstate"
	RetriedState  = "retriedstate"
	AgentBody     = "agentbody"
	ProviderExit  = "providerexit"
	ProviderUse   = "provideruse"
	SharedScope   = "sharedscope"
)

var table = []Rule{
	{
		Name: Stored, Severity: Error,
		Summary: "a session is stored in something older than itself",
		Why:     "The holder lives on after the session has ended: a later use fails, hangs, or writes into somebody else's transaction.",
		Instead: "Pass the session down as an argument for the length of the call; give a long-lived object the pool or the session factory, and let it open its own.",
	},
	{
		Name: Spawned, Severity: Error,
		Summary: "a session is used by a goroutine or task that may outlive or share it",
		Why:     "The session can end while the other still uses it, and two at once on one connection clash or block each other.",
		Instead: "Let each goroutine or task open its own session from the pool or the factory, or wait for it before the session ends.",
	},
	{
		Name: UsedAfterEnd, Severity: Error,
		Summary: "a session is used after it was committed, rolled back, closed or released",
		Why:     "The statement fails, or runs on a connection that now belongs to somebody else.",
		Instead: "Move the use before the end, or open a new session for it.",
	},
	{
		Name: NeverEnded, Severity: Error,
		Summary: "a session is opened and on some path never ended",
		Why:     "Its connection never comes back to the pool, and its locks stay; when the pool is empty, everything waits for ever.",
		Instead: "End it on every path: `defer tx.Rollback()` right after the error check, or `with` and `async with` in Python.",
	},
	{
		Name: OuterHandle, Severity: Error,
		Summary: "the pool is used where its own transaction is in scope",
		Why:     "The statement runs outside the transaction, is not undone by its rollback, and with an exhausted pool waits for itself.",
		Instead: "Use the transaction for every statement between its begin and its end, and pass it on to what is called.",
	},
	{
		Name: NestedAcquire, Severity: Error,
		Summary: "a second connection is taken from a pool while one is held",
		Why:     "When every worker holds one and waits for a second, none can go on: the pool has locked itself.",
		Instead: "Use the session already held, or end it before taking another: read the rows to a slice and close them first.",
	},
	{
		Name: ClosedBusy, Severity: Error,
		Summary: "a connection is closed while its rows or transaction are open",
		Why:     "Close waits for what is still open on the connection, and that is waiting behind Close.",
		Instead: "Close the rows and end the transaction first; with defer, defer the connection's Close before the others.",
	},
	{
		Name: LostCommit, Severity: Error,
		Summary: "a deferred commit or rollback decides by the wrong error, or commits on panic",
		Why:     "Work that failed is committed, or work that succeeded is undone, and nobody is told.",
		Instead: "Commit in line as the function's last act and return its error; defer only the Rollback.",
	},
	{
		Name: WaitHolding, Severity: Warning,
		Summary: "the network, a channel or a model is waited for while a session is held",
		Why:     "The connection and its locks are held for as long as the other side likes; a few slow answers empty the pool.",
		Instead: "End the session before the call, and open another for what comes after.",
	},
	{
		Name: UnreadRows, Severity: Error,
		Summary: "rows are not closed, or a single row is never scanned",
		Why:     "The connection stays busy with the result until both are garbage, and often for ever.",
		Instead: "`defer rows.Close()` right after the error check, and Scan every row that QueryRow gives; use Exec where no row is wanted.",
	},
	{
		Name: PoolState, Severity: Warning,
		Summary: "a statement that binds to one connection is sent through the pool",
		Why:     "The pool sends each statement on whichever connection is free: what comes next runs elsewhere, and whoever gets this connection next inherits its transaction, lock or setting.",
		Instead: "Use db.BeginTx for transactions, pg_advisory_xact_lock and SET LOCAL inside one; or take one connection with db.Conn or pool.Acquire, and undo the change before it goes back.",
	},
	{
		Name: RetriedState, Severity: Warning,
		Summary: "a literal that is run again adds to a variable from outside",
		Why:     "When the transaction is retried, what the first attempt added is still there: rows appear twice, and counts are too high.",
		Instead: "Set the variable to its first value at the start of the literal, or collect in a variable of the literal's own and hand it over after the commit.",
	},
	{
		Name: AgentBody, Severity: Warning,
		Summary: "an agent's body does outside work that replay would repeat or change",
		Why:     "The body runs again after every takeover: another time, another random number or a second call makes the run diverge or doubles its effects.",
		Instead: "Do it in agent.Step, and use agent.Now, agent.Rand, agent.Sleep, agent.Go and agent.Parallel in the body.",
	},
	{
		Name: ProviderExit, Severity: Error,
		Summary: "a session provider is left before its end",
		Why:     "The abandoned generator keeps the session until it is collected, and then closes it in another task, in the middle of whatever runs there.",
		Instead: "Make the provider a context manager (`@asynccontextmanager`) and use `async with`, or leave the loop only at its end.",
	},
	{
		Name: ProviderUse, Severity: Error,
		Summary: "a session provider is used as if it were the session",
		Why:     "A generator or context manager has none of the session's methods: the first use raises.",
		Instead: "Enter it: `async with get_db() as session`, or take it through the framework's dependency.",
	},
	{
		Name: SharedScope, Severity: Warning,
		Summary: "a scoped_session is shared between tasks",
		Why:     "Its scope is the thread, and all tasks of an event loop share one: they get the same session at once.",
		Instead: "Use async_scoped_session with scopefunc=asyncio.current_task, or a session of its own for each task.",
	},
}

// All lists every rule, by name.
func All() []Rule {
	all := slices.Clone(table)
	slices.SortFunc(all, func(a, b Rule) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

// Named finds a rule by its name.
func Named(name string) (Rule, bool) {
	i := slices.IndexFunc(table, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, false
	}
	return table[i], true
}
