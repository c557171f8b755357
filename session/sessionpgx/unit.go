package sessionpgx

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/internal/leftover"
)

// unit is what tx and Conn have in common: the connection, and its end.
type unit struct {
	hold     *session.Hold
	conn     *pgxpool.Conn
	rollback func(context.Context) error // nil without a transaction
	raw      bool                        // the *pgx.Conn was handed out
	watched  bool                        // the pool is under Watch
}

// ownContext marks what the unit itself does with its connection, for Watch: a
// statement without the mark comes from somebody who has kept the connection.
type ownContext struct {
	context.Context
	hold *session.Hold
}

type ownKey struct{}

func (c *ownContext) Value(key any) any {
	if _, ok := key.(ownKey); ok {
		return c.hold
	}
	return c.Context.Value(key)
}

func (u *unit) own(ctx context.Context) context.Context {
	if !u.watched {
		return ctx
	}
	return &ownContext{ctx, u.hold}
}

// endBound is how long a rollback may take before the connection is closed.
const endBound = 5 * time.Second

// release gives the session back when the unit is over. What was begun is rolled
// back, whatever became of the author's context.
func (u *unit) release() {
	if u.rollback != nil && !u.conn.Conn().PgConn().IsBusy() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(u.hold.Context()), endBound)
		_ = u.rollback(u.own(ctx)) // where it fails, pgx closes the connection
		cancel()
	}
	if c := u.conn.Conn(); u.raw || u.hold.Taken() || c.PgConn().IsBusy() {
		closeNow(c)
	}
	u.conn.Release()
	u.hold.Returned()
}

// closeNow closes a connection, so that its release gives it to nobody. It does
// not wait for the server: the socket is closed.
func closeNow(c *pgx.Conn) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = c.Close(ctx)
}

// abort ends the unit without its consent. A statement that another goroutine
// still runs is not waited for: it releases the session when it returns.
func (u *unit) abort(how session.End, cause error) {
	if u.hold.Take(how, cause) {
		u.release()
	}
}

// enter claims the unit for a statement. One that ends the transaction by its words is
// refused: Do ends it.
func (u *unit) enter(op session.Op, sql string) error {
	if err := u.hold.Enter(op); err != nil {
		return err
	}
	if u.rollback == nil || !leftover.Ends(sql) {
		return nil
	}
	u.exit(op)
	return u.hold.RefuseByHand(op)
}

// exit gives the unit back after an operation. When it was ended meanwhile, this
// goroutine is the last that has it in hand, and releases it.
func (u *unit) exit(op session.Op) {
	if !u.hold.Exit(op) {
		u.release()
	}
}

// pause leaves the unit to rows or a batch, to be read on.
func (u *unit) pause(op session.Op) {
	if !u.hold.Pause(op) {
		u.release()
	}
}

// explain tells that it was the cancelled context that ended the unit, where pgx
// says that a statement failed or the connection is closed.
func (u *unit) explain(op session.Op, err error) error {
	if err == nil || u.hold.Context().Err() == nil {
		return err
	}
	return u.hold.Lost(op, err)
}
