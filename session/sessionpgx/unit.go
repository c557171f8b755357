package sessionpgx

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/reeve-run/reeve/session"
)

// unit is what tx and Conn have in common: the connection, and its end.
type unit struct {
	hold     *session.Hold
	conn     *pgxpool.Conn
	rollback func(context.Context) error // nil without a transaction
	raw      bool                        // the *pgx.Conn was handed out
}

// endBound is how long a rollback may take before the connection is closed.
const endBound = 5 * time.Second

// release gives the session back when the unit is over. What was begun is rolled
// back, whatever became of the author's context.
func (u *unit) release() {
	if u.rollback != nil && !u.conn.Conn().PgConn().IsBusy() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(u.hold.Context()), endBound)
		_ = u.rollback(ctx) // where it fails, pgx closes the connection
		cancel()
	}
	if u.raw || u.conn.Conn().PgConn().IsBusy() {
		closeNow(u.conn.Conn())
	}
	u.conn.Release()
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
	if u.hold.EndIfUsed(how, cause) || u.hold.Inside() {
		return
	}
	u.hold.End(how, cause)
	u.release()
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

// explain tells who has ended a transaction that the database or pgx says is
// over: the cancelled context, as a rule.
func (u *unit) explain(op session.Op, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, pgx.ErrTxClosed) || u.hold.Context().Err() != nil {
		return u.hold.Lost(op, err)
	}
	return err
}
