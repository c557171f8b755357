package rule_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve/lint/rule"
)

// TestEveryRuleHasItsPage holds that each rule has a page with its parts, and that the
// pages that people find in docs/rules are the embedded ones.
func TestEveryRuleHasItsPage(t *testing.T) {
	for _, r := range rule.All() {
		page, err := rule.Page(r.Name)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, part := range []string{"# " + r.Name + "\n", "## What happens", "## Wrong", "## Right", "## When to allow it"} {
			if !strings.Contains(page, part) {
				t.Errorf("the page of %s lacks %q", r.Name, part)
			}
		}
		shown, err := os.ReadFile("../../docs/rules/" + r.Name + ".md")
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(page, string(shown)); diff != "" {
			t.Errorf("docs/rules/%s.md is not the embedded page: copy it (-embedded +shown):\n%s", r.Name, diff)
		}
		if r.Why == "" || r.Instead == "" || r.Summary == "" {
			t.Errorf("%s lacks words", r.Name)
		}
	}
}

func TestPageOfNoRuleNamesThoseThereAre(t *testing.T) {
	if _, err := rule.Page("nonsense"); err == nil || !strings.Contains(err.Error(), rule.Stored) {
		t.Errorf("err = %v", err)
	}
}
