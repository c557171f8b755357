package leftover

import "strings"

// Notes is what statements have left on a connection. It is not safe for
// concurrent use; a nil *Notes takes notes of nothing.
type Notes struct{ Tx, Lock, Setting bool }

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
	case is(word, "commit"), is(word, "end"), is(word, "rollback"), is(word, "abort"):
		l.Tx = l.Tx && is(after, "to")
	case is(word, "set"):
		l.Setting = l.Setting || !is(after, "local") && !is(after, "transaction") && !is(after, "constraints")
	case is(word, "listen"):
		l.Setting = true
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
		l.Setting = l.Setting || lastIsFalse(rest)
	}
}

// lastIsFalse says whether the last argument of a call is the word false.
func lastIsFalse(call string) bool {
	args, _, _ := strings.Cut(call, ")")
	last := strings.TrimSpace(args[strings.LastIndexByte(args, ',')+1:])
	return is(last, "false") || is(last, "'f'") || is(last, "'false'")
}

// String names what is left; it is empty when nothing is.
func (l *Notes) String() string {
	if l == nil || *l == (Notes{}) {
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
