package sessionsql_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// breach breaks a rule, on a watched database of one connection.
type breach struct {
	rule session.Rule
	opts []sessionsql.Option
	do   func(context.Context, *sql.DB) error
}

const bound = 30 * time.Millisecond

var breaches = []breach{
	{rule: session.RuleNested, opts: []sessionsql.Option{sessionsql.WithMaxOpen(2)}, do: func(ctx context.Context, db *sql.DB) error {
		return sessionsql.Do(ctx, db, func(ctx context.Context, _ *sessionsql.Tx) error {
			_, err := db.ExecContext(ctx, "x")
			return err
		})
	}},
	{rule: session.RuleOverlap, do: func(ctx context.Context, db *sql.DB) error {
		return sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
			soon, cancel := context.WithTimeout(ctx, bound)
			defer cancel()
			stray := make(chan struct{})
			go func() {
				defer close(stray)
				_, _ = tx.ExecContext(soon, "block")
			}()
			time.Sleep(bound / 3) // the other is inside by now, or this breaks no rule
			_, err := tx.ExecContext(ctx, "x")
			<-stray
			return err
		})
	}},
	{rule: session.RuleRows, do: func(ctx context.Context, db *sql.DB) error {
		return sessionsql.Do(ctx, db, func(ctx context.Context, tx *sessionsql.Tx) error {
			rows, err := tx.QueryContext(ctx, "rows 3")
			if err != nil {
				return err
			}
			return rows.Err()
		})
	}},
	{rule: session.RuleDirty, do: func(ctx context.Context, db *sql.DB) error {
		return sessionsql.DoConn(ctx, db, func(ctx context.Context, c *sessionsql.Conn) error {
			_, err := c.ExecContext(ctx, "SET x = 1")
			return err
		})
	}},
	{rule: session.RuleHeld, do: func(ctx context.Context, db *sql.DB) error {
		return sessionsql.Do(ctx, db, func(ctx context.Context, _ *sessionsql.Tx) error {
			return session.Check(ctx, "ask a model")
		})
	}},
	{rule: session.RuleLeak, opts: []sessionsql.Option{sessionsql.WithLimit(bound)}, do: late},
	{rule: session.RuleIdle, opts: []sessionsql.Option{sessionsql.WithIdle(bound)}, do: late},
	{rule: session.RuleWait, opts: []sessionsql.Option{sessionsql.WithWait(bound)}, do: func(ctx context.Context, db *sql.DB) error {
		if err := borrow(ctx, db, 4*bound); err != nil {
			return err
		}
		_, err := db.ExecContext(ctx, "x")
		return err
	}},
	{rule: session.RuleCircle, do: func(ctx context.Context, db *sql.DB) error {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		_, err = db.ExecContext(ctx, "x")
		return err
	}},
}

// borrow takes the connection for a while.
func borrow(ctx context.Context, db *sql.DB, d time.Duration) error {
	c, err := db.Conn(ctx)
	if err == nil {
		time.AfterFunc(d, func() { _ = c.Close() })
	}
	return err
}

// late uses a transaction that has been left alone for too long.
func late(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	time.Sleep(4 * bound)
	_, err = tx.ExecContext(ctx, "x")
	return err
}

// Each rule refuses, or is told once a line, or keeps quiet.
func TestEachRuleInEachMode(t *testing.T) {
	for _, b := range breaches {
		for _, mode := range []session.Mode{session.Enforce, session.Warn, session.Off} {
			t.Run(string(b.rule)+" "+mode.String(), func(t *testing.T) {
				opts := append([]sessionsql.Option{sessionsql.WithMaxOpen(1)}, b.opts...)
				db, _, l := watched(t, append(opts, sessionsql.WithRules(session.Rules{b.rule: mode}))...)
				for range 2 {
					if err := b.do(t.Context(), db); refusedBy(err, b.rule) != (mode == session.Enforce) {
						t.Errorf("got %v", err)
					}
					waitIdle(t, 1, func() int { return db.Stats().InUse })
				}
				told := strings.Count(l.String(), `rule=`+string(b.rule))
				if mode == session.Warn && told != 1 || mode == session.Off && told != 0 {
					t.Errorf("told %d times: %s", told, l)
				}
			})
		}
	}
}

// refusedBy says whether the rule, or what it took away, stands in the error.
func refusedBy(err error, rule session.Rule) bool {
	for e, ok := errors.AsType[*session.IllegalStateError](err); ok; e, ok = errors.AsType[*session.IllegalStateError](e.Cause) {
		if e.Rule == rule {
			return true
		}
	}
	return false
}
