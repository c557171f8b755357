package session_test

import (
	"context"
	"errors"
	"testing"

	"github.com/reeve-run/reeve/session"
)

func TestHolderCountsAndNamesTheOpening(t *testing.T) {
	var holder session.Holder
	ctx := session.WithHolder(t.Context(), &holder)
	if err := holder.Check("step a"); err != nil {
		t.Fatal(err)
	}
	g := session.NewGuard("holder test")
	unit, err := g.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := holder.Open(); n != 1 {
		t.Errorf("%d open, want 1", n)
	}
	for name, err := range map[string]error{
		"holder":           holder.Check("step a"),
		"context":          session.Check(ctx, "step a"),
		"the unit's":       session.Check(unit.Context(), "step a"),
		"derived":          session.Check(context.WithoutCancel(unit.Context()), "step a"),
		"another holder's": session.Check(session.WithHolder(unit.Context(), session.NewHolder()), "step a"),
	} {
		e, ok := errors.AsType[*session.IllegalStateError](err)
		if !ok || e.Op != "step a" || e.Rule != session.RuleHeld || e.Opened.Func == "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	unit.End(session.Committed, nil)
	if err := errors.Join(holder.Check("b"), session.Check(ctx, "b"), session.Check(unit.Context(), "b")); err != nil {
		t.Errorf("after the end: %v", err)
	}
}

func BenchmarkHolderCheck(b *testing.B) {
	holder := session.NewHolder()
	for b.Loop() {
		if err := holder.Check("step"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnit(b *testing.B) {
	g := session.NewGuard("bench")
	ctx := session.WithHolder(b.Context(), session.NewHolder())
	b.ReportAllocs()
	for b.Loop() {
		h, err := g.Open(ctx)
		if err != nil {
			b.Fatal(err)
		}
		h.Begin()
		h.End(session.Committed, nil)
	}
}

func BenchmarkStatement(b *testing.B) {
	h, err := session.NewGuard("bench").Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	h.Begin()
	defer h.End(session.Committed, nil)
	for b.Loop() {
		if err := h.Enter(session.OpExec); err != nil {
			b.Fatal(err)
		}
		h.Exit(session.OpExec)
	}
}
