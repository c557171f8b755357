package main

import (
	"bufio"
	"io"
	"iter"
	"strings"
)

// maxLine is the longest line of a stream, in bytes.
const maxLine = 1 << 20

// events reads server-sent events and yields the data of each; heard is called for every line, comments
// included. An error is the last thing it yields. An event that the end of the stream cuts off is
// dropped, as the format demands.
func events(r io.Reader, heard func()) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxLine)
		var data []string
		for lines.Scan() {
			heard()
			switch line := strings.TrimSuffix(lines.Text(), "\r"); {
			case line == "":
				if len(data) > 0 && !yield(strings.Join(data, "\n"), nil) {
					return
				}
				data = nil
			case line == "data":
				data = append(data, "")
			case strings.HasPrefix(line, "data:"):
				data = append(data, strings.TrimPrefix(line[len("data:"):], " "))
			}
		}
		if err := lines.Err(); err != nil {
			yield("", err)
		}
	}
}
