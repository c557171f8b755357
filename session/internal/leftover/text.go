package leftover

import "strings"

// skip leaves out white space, comments, and what may stand before a statement.
func skip(q string) string {
	for q != "" {
		switch q[0] {
		case ' ', '\t', '\r', '\n', '(', ';':
			q = q[1:]
			continue
		case '-', '/':
			if strings.HasPrefix(q, "--") {
				_, q, _ = strings.Cut(q, "\n")
				continue
			}
			if strings.HasPrefix(q, "/*") {
				_, q, _ = strings.Cut(q, "*/")
				continue
			}
		}
		return q
	}
	return ""
}

// next is what follows the statement's semicolon; empty when nothing does. Text in
// quotes, PostgreSQL's dollar quotes and comments is passed over.
func next(q string) string {
	if strings.IndexByte(q, ';') < 0 {
		return "" // as it is with nearly every statement
	}
	for i := 0; i < len(q); i++ {
		switch c := q[i]; c {
		case ';':
			return q[i+1:]
		case '\'', '"', '`':
			i += past(q[i+1:], string(c))
		case '$':
			if tag := dollar(q[i:]); tag != "" {
				i += len(tag) - 1 + past(q[i+len(tag):], tag)
			}
		case '-':
			if strings.HasPrefix(q[i:], "--") {
				i += past(q[i:], "\n") - 1
			}
		case '/':
			if strings.HasPrefix(q[i:], "/*") {
				i += past(q[i:], "*/") - 1
			}
		}
	}
	return ""
}

// past is how far it is to the end of the first mark in q, or of q.
func past(q, mark string) int {
	if i := strings.Index(q, mark); i >= 0 {
		return i + len(mark)
	}
	return len(q)
}

// dollar is the tag that q begins with: $$, or $name$.
func dollar(q string) string {
	for i := 1; i < len(q); i++ {
		switch c := q[i]; {
		case c == '$':
			return q[:i+1]
		case !letter(c) && (i == 1 || c < '0' || c > '9'):
			return ""
		}
	}
	return ""
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }

// cutWord gives the first word, and what follows it.
func cutWord(q string) (word, rest string) {
	n := 0
	for n < len(q) && letter(q[n]) && q[n] != '_' {
		n++
	}
	return q[:n], q[n:]
}

// cutName is cutWord for a name with underscores.
func cutName(q string) (name, rest string) {
	n := 0
	for n < len(q) && letter(q[n]) {
		n++
	}
	return q[:n], q[n:]
}

func is(word, want string) bool { return len(word) == len(want) && strings.EqualFold(word, want) }
