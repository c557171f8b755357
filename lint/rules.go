package lint

import "github.com/reeve-run/reeve/lint/rule"

// Rule is one thing that Vet looks for.
type Rule = rule.Rule

// Rules lists every rule by name.
func Rules() []Rule { return rule.All() }

// Explain gives the page of a rule, in Markdown. An unknown rule is an error that
// names those there are.
func Explain(name string) (string, error) { return rule.Page(name) }
