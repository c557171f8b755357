package tree

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// clean keeps control characters of foreign text from the reader's terminal; broken
// UTF-8 comes out as the sign for it.
func clean(s string) string { return Printable(s) }

// Printable is s with each control character replaced; keep names those that may stay.
func Printable(s string, keep ...rune) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !strings.ContainsRune(string(keep), r) || isDirection(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// isDirection finds the marks that turn the direction of writing, which can make a line look like another.
func isDirection(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func firstLine(s string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if rest != "" {
		line += " …"
	}
	return clean(line)
}

func lastLine(s string) string {
	s = strings.TrimRight(s, " \n\t\r")
	return clean(strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:]))
}

// clip cuts a line to a number of columns; escape sequences take none, and none is cut in two.
func clip(line string, columns int) string {
	if columns <= 0 || span(line) <= columns {
		return line
	}
	var b strings.Builder
	used, escape := 0, false
	for _, r := range line {
		if w := columnsOf(r); escape || r == '\x1b' {
			escape = r != 'm'
		} else if used+w > columns-1 {
			break
		} else {
			used += w
		}
		b.WriteRune(r)
	}
	if strings.ContainsRune(line, '\x1b') {
		return b.String() + "\x1b[0m…"
	}
	return b.String() + "…"
}

// span is how many columns a line takes.
func span(line string) int {
	n, escape := 0, false
	for _, r := range line {
		if escape || r == '\x1b' {
			escape = r != 'm'
			continue
		}
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
