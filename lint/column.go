package lint

import (
	"bytes"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// columns turns a finding's columns, which count bytes, into those of SARIF, which count
// UTF-16 code units, by reading the lines again. A line that cannot be read has one
// unit a byte.
type columns struct {
	dir   string
	lines map[string][][]byte
}

func (c columns) utf16(file string, line, column int) int {
	lines := c.of(file)
	if line < 1 || line > len(lines) {
		return column
	}
	before := lines[line-1]
	if column < 1 || column-1 > len(before) {
		return column
	}
	return utf16Units(before[:column-1]) + 1
}

func (c columns) of(file string) [][]byte {
	lines, known := c.lines[file]
	if !known {
		if src, err := os.ReadFile(filepath.Join(c.dir, filepath.FromSlash(file))); err == nil {
			lines = bytes.Split(src, []byte("\n"))
		}
		c.lines[file] = lines
	}
	return lines
}

// utf16Units counts a rune beyond the first plane twice, as UTF-16 writes it.
func utf16Units(text []byte) int {
	n := 0
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		n++
		if r > 0xFFFF {
			n++
		}
		text = text[size:]
	}
	return n
}
