package leftover

import "strings"

// Notes is what statements have left on a connection. It is not safe for
// concurrent use; a nil *Notes takes notes of nothing.
type Notes struct {
	Tx, Lock, Setting bool

	inside  bool // a transaction that the driver has begun
	undoing bool // a setting was made in the transaction, and goes with its rollback
}

// Begin says that the driver has begun a transaction, and End that it has ended.
func (l *Notes) Begin() { l.inside = true }

// End says that a transaction has ended. What was set in it stays with a commit only.
func (l *Notes) End(committed bool) {
	l.Setting = l.Setting || l.undoing && committed
	l.Tx, l.inside, l.undoing = false, false, false
}

// set notes a setting.
func (l *Notes) set() {
	if l.Tx || l.inside {
		l.undoing = true
		return
	}
	l.Setting = true
}

// LockQuery gives a row when the connection that runs it has a session lock, which is
// the last word on Notes.Lock.
const LockQuery = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() LIMIT 1`

// Add takes note of a statement, or of several in one text.
func (l *Notes) Add(query string) {
	if l == nil {
		return // a transaction ends all that, or the database refuses it
	}
	for query = skip(query); query != ""; query = skip(next(query)) {
		switch query[0] | 0x20 {
		case 'b', 'c', 'e', 'r', 'a', 'd', 'l', 's', 'u', 'w': // a word of ours may begin so
			l.note(query)
			if word, _ := cutWord(query); is(word, "create") {
				return // what follows may be the body of a trigger or a function
			}
		}
	}
}

func (l *Notes) note(q string) {
	word, rest := cutWord(q)
	if is(word, "select") || is(word, "with") {
		l.noteCalls(q)
		return
	}
	switch after, _ := cutWord(skip(rest)); {
	case is(word, "begin"):
		l.Tx = true
	case is(word, "start"):
		l.Tx = l.Tx || is(after, "transaction")
	case Ends(q):
		l.End(is(word, "commit") || is(word, "end"))
	case is(word, "set"):
		switch {
		case toDefault(rest):
			l.Setting = false // as with RESET
		case !is(after, "local") && !is(after, "transaction") && !is(after, "constraints"):
			l.set()
		}
	case is(word, "listen"):
		l.set()
	case is(word, "reset"), is(word, "unlisten"):
		l.Setting = false
	case is(word, "discard"):
		if is(after, "all") {
			l.Setting, l.Lock = false, false
		}
	}
}

// noteCalls looks for the functions that leave something: session locks, and
// set_config whose last argument is false. Locks with xact in their name end with the
// transaction. What unlocks is not looked for: a lock that was got twice must be given
// back twice, so whoever reads Lock asks the server (LockQuery).
func (l *Notes) noteCalls(q string) {
	for {
		i := strings.IndexByte(q, '_')
		if i < 0 {
			return
		}
		before := q[:i]
		q = q[i+1:]
		if q == "" {
			return
		}
		switch q[0] | 0x20 {
		case 'a', 'c', 't':
			l.noteCall(before, q)
		}
	}
}

// noteCall looks at what stands around an underscore.
func (l *Notes) noteCall(before, q string) {
	switch word, rest := cutName(q); {
	case is(word, "advisory_lock"), is(word, "advisory_lock_shared"),
		is(word, "try_advisory_lock"), is(word, "try_advisory_lock_shared"):
		l.Lock = true
	case is(word, "config") && len(before) >= 3 && is(before[len(before)-3:], "set"):
		if lastIsFalse(rest) {
			l.set()
		}
	}
}

// mayEnd are the first letters of what Ends knows, and of what may stand before it.
var mayEnd = [256]bool{
	'c': true, 'C': true, 'e': true, 'E': true, 'r': true, 'R': true, 'a': true, 'A': true,
	' ': true, '\t': true, '\r': true, '\n': true, '-': true, '/': true, '(': true, ';': true,
}

// MayEnd is a first look, for less than the call of Ends costs: where it says no, Ends does.
func MayEnd(query string) bool { return query != "" && mayEnd[query[0]] }

// closing is where the parenthesis closes that the text opens with.
func closing(call string) int {
	depth := 0
	for i := range len(call) {
		switch call[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth <= 0 {
				return i
			}
		}
	}
	return len(call)
}

// Ends says whether a statement ends a transaction: COMMIT, END, ROLLBACK and ABORT do,
// ROLLBACK TO and COMMIT PREPARED do not.
func Ends(query string) bool {
	if !MayEnd(query) {
		return false
	}
	word, rest := cutWord(skip(query))
	switch {
	case is(word, "commit"), is(word, "end"), is(word, "rollback"), is(word, "abort"):
	default:
		return false
	}
	for after, more := cutWord(skip(rest)); after != ""; after, more = cutWord(skip(more)) {
		switch {
		case is(after, "to"), is(after, "prepared"):
			return false
		case is(after, "work"), is(after, "transaction"):
			continue
		}
		return true
	}
	return true
}

// toDefault says whether a SET gives a setting back.
func toDefault(rest string) bool {
	rest = strings.TrimRight(rest, " \t\r\n;")
	i := strings.LastIndexAny(rest, " \t\r\n=")
	return i >= 0 && is(rest[i+1:], "default")
}

// lastIsFalse says whether the last argument of a call is the word false.
func lastIsFalse(call string) bool {
	args := call[:closing(call)]
	last := strings.TrimSpace(args[strings.LastIndexByte(args, ',')+1:])
	return is(last, "false") || is(last, "'f'") || is(last, "'false'")
}

// String names what is left; it is empty when nothing is.
func (l *Notes) String() string {
	if l == nil || !l.Tx && !l.Lock && !l.Setting {
		return ""
	}
	var parts []string
	for _, p := range []struct {
		is   bool
		name string
	}{{l.Tx, "a transaction begun by a statement"}, {l.Lock, "an advisory lock"}, {l.Setting, "a setting"}} {
		if p.is {
			parts = append(parts, p.name)
		}
	}
	return strings.Join(parts, ", ")
}
