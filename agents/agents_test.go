package agents_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agents"
)

func TestAllHaveLegalNamesOfTheirOwn(t *testing.T) {
	var names []string
	for _, a := range agents.All() {
		if err := reeve.CheckName("agent", a.Name()); err != nil {
			t.Error(err)
		}
		names = append(names, a.Name())
	}
	if diff := cmp.Diff([]string{"echo", "sleep", "review"}, names); diff != "" {
		t.Errorf("agents (-want +got):\n%s", diff)
	}
}
