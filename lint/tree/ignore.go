package tree

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// ignoreFile is one .gitignore: its folder and its patterns in their order.
type ignoreFile struct {
	dir      string
	patterns []pattern
}

type pattern struct {
	match   *regexp.Regexp // against the path below the file's folder
	negate  bool
	folders bool // only folders
}

func parseIgnore(dir, text string) ignoreFile {
	f := ignoreFile{dir: dir}
	for line := range strings.Lines(text) {
		if p, ok := parsePattern(strings.TrimRight(line, "\r\n")); ok {
			f.patterns = append(f.patterns, p)
		}
	}
	return f
}

// parsePattern reads one line by the rules of gitignore(5). A line that is no
// pattern, or one that cannot be understood, is left out.
func parsePattern(line string) (pattern, bool) {
	if !strings.HasSuffix(line, `\ `) {
		line = strings.TrimRight(line, " \t")
	}
	var p pattern
	if line == "" || line[0] == '#' {
		return p, false
	}
	if line[0] == '!' {
		p.negate, line = true, line[1:]
	}
	if rest, ok := strings.CutSuffix(line, "/"); ok {
		p.folders, line = true, rest
	}
	prefix := "(^|.*/)"
	if strings.Contains(line, "/") {
		prefix, line = "^", strings.TrimPrefix(line, "/")
	}
	re, err := regexp.Compile(prefix + globToRegexp(line) + "$")
	p.match = re
	return p, err == nil && line != ""
}

func globToRegexp(glob string) string {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case strings.HasPrefix(glob[i:], "**/"):
			b.WriteString("(.*/)?")
			i += 2
		case strings.HasPrefix(glob[i:], "/**") && i+3 == len(glob):
			b.WriteString("/.*")
			i += 2
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		case c == '[':
			i += bracket(&b, glob[i:])
		case c == '\\' && i+1 < len(glob):
			i++
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String()
}

// bracket writes a character class and says how many more bytes it took; one that is not closed is plain text.
func bracket(b *strings.Builder, s string) int {
	end := strings.IndexByte(s[1:], ']')
	if end < 1 {
		b.WriteString(`\[`)
		return 0
	}
	class := s[1 : 1+end]
	if class[0] == '!' {
		class = "^" + class[1:]
	}
	b.WriteString("[" + strings.ReplaceAll(class, `\`, `\\`) + "]")
	return end + 1
}

// ignored says whether the last pattern that fits, in the innermost file that has
// one, leaves the path out.
func ignored(files []ignoreFile, name string, folder bool) bool {
	for _, f := range slices.Backward(files) {
		rel := name
		if f.dir != "." {
			rel = strings.TrimPrefix(name, f.dir+"/")
		}
		for _, p := range slices.Backward(f.patterns) {
			if (folder || !p.folders) && p.match.MatchString(rel) {
				return !p.negate
			}
		}
	}
	return false
}

// leftOut are folders that hold no source of the project itself.
func leftOut(name string) bool {
	base := path.Base(name)
	switch base {
	case "node_modules", "__pycache__", "site-packages", "vendor", "testdata", "venv", "virtualenv":
		return true
	}
	return base != "." && strings.HasPrefix(base, ".")
}
