package poolstate

import "regexp"

// bound is what binds to its connection, by how the statement begins or what it calls.
var bound = []struct {
	text *regexp.Regexp
	what string
}{
	{regexp.MustCompile(`(?is)^(begin|start\s+transaction)\b`), "begins a transaction"},
	{regexp.MustCompile(`(?i)\bpg_(try_)?advisory_lock(_shared)?\s*\(`), "takes a lock of its session's"},
	{regexp.MustCompile(`(?i)^\s*select\s+get_lock\s*\(`), "takes a lock of its session's"},
	{regexp.MustCompile(`(?i)^lock\s+tables?\b.*\b(read|write)\b`), "locks tables for its session"},
	{regexp.MustCompile(`(?i)^set\s+(session\s+)?[a-z_@]`), "sets something of its session's"},
	{regexp.MustCompile(`(?i)^create\s+(temp|temporary)\s+table\b`), "makes a table of its session's"},
	{regexp.MustCompile(`(?i)^listen\s+\S`), "listens on its session"},
}

// elsewhere are statements that look bound and are not, or undo themselves in one text.
var elsewhere = regexp.MustCompile(`(?is)^set\s+(local|global|persist|persist_only|cluster\s+setting|@@global)\b|\b(commit|rollback|end|reset|unlisten)\b|\bpg_advisory_unlock`)

var comments = regexp.MustCompile(`(?s)^(\s+|--[^\n]*\n|/\*.*?\*/)+`)

// binds says what a statement does to its connection; empty when nothing.
func binds(text string) string {
	text = comments.ReplaceAllString(text, "")
	if elsewhere.MatchString(text) {
		return ""
	}
	for _, b := range bound {
		if b.text.MatchString(text) {
			return b.what
		}
	}
	return ""
}

var begins = bound[0].text

// finishes is a statement that ends a transaction.
var finishes = regexp.MustCompile(`(?i)\b(commit|rollback|end)\b`)
