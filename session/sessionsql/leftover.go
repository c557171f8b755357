package sessionsql

import "strings"

// leftover is what statements have left on a connection, by their first words:
// no driver tells it without a round trip.
type leftover struct{ tx, lock, setting bool }

func (l *leftover) note(query string) {
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

func (l *leftover) noteWord(q string) {
	word, rest := cutWord(q)
	next, _ := cutWord(rest)
	switch word {
	case "begin":
		l.tx = true
	case "start":
		l.tx = l.tx || next == "transaction"
	case "commit", "end", "rollback", "abort":
		l.tx = l.tx && next == "to"
	case "set":
		l.setting = l.setting || next != "local" && next != "transaction"
	case "listen":
		l.setting = true
	case "reset", "unlisten", "discard":
		l.setting, l.lock = false, l.lock && word != "discard"
	case "select":
		l.noteLock(rest)
	}
}

// noteLock looks for PostgreSQL's session locks; those with xact in their name
// end with the transaction.
func (l *leftover) noteLock(q string) {
	if !strings.Contains(q, "advisory") {
		return
	}
	switch {
	case strings.Contains(q, "pg_advisory_unlock"):
		l.lock = false
	case strings.Contains(q, "pg_advisory_lock"), strings.Contains(q, "pg_try_advisory_lock"):
		l.lock = true
	}
}

func (l *leftover) what() string {
	if l == nil {
		return ""
	}
	var parts []string
	for _, p := range []struct {
		is   bool
		name string
	}{{l.tx, "a transaction begun by a statement"}, {l.lock, "an advisory lock"}, {l.setting, "a setting"}} {
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
