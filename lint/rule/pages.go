package rule

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed pages/*.md
var pages embed.FS

// Page is the page of a rule, in Markdown: what happens, a wrong and a right example,
// when to allow it. An unknown rule is an error that names those there are.
func Page(name string) (string, error) {
	text, err := pages.ReadFile("pages/" + name + ".md")
	if err != nil {
		var names []string
		for _, r := range All() {
			names = append(names, r.Name)
		}
		return "", fmt.Errorf("no rule %q: want one of %s", name, strings.Join(names, ", "))
	}
	return string(text), nil
}
