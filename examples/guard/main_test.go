package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEachMistakeIsAnErrorUnderTheGuard(t *testing.T) {
	var out strings.Builder
	if err := show(t.Context(), &out, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	for _, want := range []string{
		"bare     sql: transaction has already been committed or rolled back\n",
		"bare     says nothing\n",
		"bare     hangs\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the bare program does not say %q", want)
		}
	}
	for _, want := range []string{"ended: committed", "in use: exec", "held already by this context"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the guard does not say %q", want)
		}
	}
	if n := strings.Count(out.String(), "guarded  session: "); n != 3 {
		t.Errorf("%d typed errors, want 3", n)
	}
}
