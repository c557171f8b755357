package leftover

import "strings"

// Notes is what statements have left on a connection. It is not safe for
// concurrent use; a nil *Notes takes notes of nothing.
type Notes struct{ Tx, Lock, Setting bool }

// Add takes note of a statement.
func (l *Notes) Add(query string) {
	if l == nil {
		return // a transaction ends all that, or the database refuses it
	}
	q := strings.TrimLeft(query, " \t\r\n(;")
	if q == "" {
		return
	}
	switch q[0] | 0x20 {
	case 'b', 'c', 'e', 'r', 'a', 'd', 'l', 's', 'u':
		l.noteWord(q)
	}
}

func (l *Notes) noteWord(q string) {
	word, rest := cutWord(q)
	next, _ := cutWord(rest)
	switch word {
	case "begin":
		l.Tx = true
	case "start":
		l.Tx = l.Tx || next == "transaction"
	case "commit", "end", "rollback", "abort":
		l.Tx = l.Tx && next == "to"
	case "set":
		l.Setting = l.Setting || next != "local" && next != "transaction"
	case "listen":
		l.Setting = true
	case "reset", "unlisten", "discard":
		l.Setting, l.Lock = false, l.Lock && word != "discard"
	case "select":
		l.noteLock(rest)
	}
}

// noteLock looks for PostgreSQL's session locks; those with xact in their name
// end with the transaction.
func (l *Notes) noteLock(q string) {
	if !strings.Contains(q, "advisory") {
		return
	}
	switch {
	case strings.Contains(q, "pg_advisory_unlock"):
		l.Lock = false
	case strings.Contains(q, "pg_advisory_lock"), strings.Contains(q, "pg_try_advisory_lock"):
		l.Lock = true
	}
}

// String names what is left; it is empty when nothing is.
func (l *Notes) String() string {
	if l == nil {
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

// cutWord gives the first word in lower case, and what follows it.
func cutWord(q string) (word, rest string) {
	q = strings.TrimLeft(q, " \t\r\n")
	n := strings.IndexFunc(q, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' })
	if n < 0 {
		n = len(q)
	}
	return strings.ToLower(q[:n]), q[n:]
}
