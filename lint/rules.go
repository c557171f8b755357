package lint

import (
	"fmt"
	"strings"

	"github.com/reeve-run/reeve/lint/rule"
)

// Rule is one thing that Vet looks for.
type Rule = rule.Rule

// Rules lists every rule by name.
func Rules() []Rule { return rule.All() }

// Explain gives the page of a rule, in Markdown. An unknown rule is an error that
// names those there are.
func Explain(name string) (string, error) {
	r, ok := rule.Named(name)
	if !ok {
		var names []string
		for _, r := range rule.All() {
			names = append(names, r.Name)
		}
		return "", fmt.Errorf("no rule %q: want one of %s", name, strings.Join(names, ", "))
	}
	return fmt.Sprintf("# %s\n\n%s\n\n%s\n\n%s\n", r.Name, r.Summary, r.Why, r.Instead), nil
}
