package main

import (
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/agenttest"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
	"github.com/reeve-run/reeve/session/sessiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fresh is a ledger in a file of its own, in which ann has 1,000 cents. The test does not end
// with a unit open.
func fresh(t *testing.T) ledger {
	t.Helper()
	db, err := open(t.Context(), filepath.Join(t.TempDir(), "ledger #1.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	sessiontest.VerifyNone(t)
	l := ledger{pool: sessionsql.Pool(db)}
	err = l.pool.Do(t.Context(), func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := credit(ctx, tx, bank, "ann", 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// books is all that the ledger knows.
func books(t *testing.T, l ledger) (balances map[string]int64, movements int) {
	t.Helper()
	balances = map[string]int64{}
	err := l.pool.Do(t.Context(), func(ctx context.Context, tx *sessionsql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT name, cents FROM accounts`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			var cents int64
			if err := rows.Scan(&name, &cents); err != nil {
				return err
			}
			balances[name] = cents
		}
		if err := rows.Close(); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM movements`).Scan(&movements)
	})
	if err != nil {
		t.Fatal(err)
	}
	return balances, movements
}

func TestDepositAndTransfer(t *testing.T) {
	l := fresh(t)
	in := agenttest.Run(t, l.deposit(), Deposit{"bob", 500})
	if in.Err != nil || in.Output != (Balance{"bob", 500}) {
		t.Fatalf("%v: %v\n%s", in.Err, in.Output, in.Log())
	}
	moved := agenttest.Run(t, l.transfer(), Transfer{"ann", "bob", 300})
	if diff := cmp.Diff([]Balance{{"ann", 700}, {"bob", 800}}, moved.Output); moved.Err != nil || diff != "" {
		t.Fatal(moved.Err, diff)
	}
}

func TestWhatIsRefusedLeavesNoTrace(t *testing.T) {
	for name, c := range map[string]struct {
		transfer Transfer
		code     reeve.Code
	}{
		"too much":       {Transfer{"ann", "bob", 1001}, reeve.CodeConflict},
		"no such payer":  {Transfer{"eve", "bob", 1}, reeve.CodeConflict},
		"nothing":        {Transfer{"ann", "bob", 0}, reeve.CodeInvalid},
		"less":           {Transfer{"ann", "bob", -5}, reeve.CodeInvalid},
		"to the same":    {Transfer{"ann", "ann", 5}, reeve.CodeInvalid},
		"to nobody":      {Transfer{"ann", "", 5}, reeve.CodeInvalid},
		"more than ever": {Transfer{"ann", "bob", 1 << 62}, reeve.CodeConflict},
	} {
		t.Run(name, func(t *testing.T) {
			l := fresh(t)
			res := agenttest.Run(t, l.transfer(), c.transfer)
			if res.Status != reeve.StatusFailed || reeve.CodeOf(res.Err) != c.code {
				t.Fatalf("%s: %v\n%s", res.Status, res.Err, res.Log())
			}
			balances, movements := books(t, l)
			if diff := cmp.Diff(map[string]int64{"ann": 1000}, balances); diff != "" || movements != 1 {
				t.Fatalf("%d movements, %s", movements, diff)
			}
		})
	}
}

// cutOff is a pool whose first unit is committed, but nobody hears of it: the node dies at that moment.
type cutOff struct {
	session.Pool[*sessionsql.Tx]
	cut atomic.Bool
}

func (p *cutOff) Once(ctx context.Context, key string, fn func(context.Context, *sessionsql.Tx) ([]byte, error)) ([]byte, error) {
	out, err := p.Pool.Once(ctx, key, fn)
	if err != nil || p.cut.Swap(true) {
		return out, err
	}
	// The text is the run's fourth entry, after which the test lets the node die.
	if err := agent.Emit(ctx, "the money has moved"); err != nil {
		return nil, err
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestMoneyMovesOnceWhenTheNodeDiesAfterTheCommit(t *testing.T) {
	l := fresh(t)
	dying := ledger{pool: &cutOff{Pool: l.pool}}
	res := agenttest.Run(t, dying.transfer(), Transfer{"ann", "bob", 300}, agenttest.CrashAfter(4))
	if diff := cmp.Diff([]Balance{{"ann", 700}, {"bob", 300}}, res.Output); res.Err != nil || diff != "" {
		t.Fatal(res.Err, diff)
	}
	if res.Attempts != 2 {
		t.Fatalf("%d attempts\n%s", res.Attempts, res.Log())
	}
	balances, movements := books(t, l)
	if diff := cmp.Diff(map[string]int64{"ann": 700, "bob": 300}, balances); diff != "" || movements != 2 {
		t.Fatalf("%d movements, %s", movements, diff)
	}
}

func TestTransferSurvivesEveryCrash(t *testing.T) {
	agenttest.EveryCrash(t, fresh(t).transfer(), Transfer{"ann", "bob", 300})
}
