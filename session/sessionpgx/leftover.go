package sessionpgx

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/reeve-run/reeve/session/internal/leftover"
)

// leftBehind names what is left on a connection that comes back: the server's word
// where it is about a transaction or a lock, the statements' for a setting.
func leftBehind(notes *leftover.Notes, c *pgx.Conn) string {
	if c.IsClosed() {
		return ""
	}
	notes.Tx = c.PgConn().TxStatus() != 'I'
	if notes.Lock && !notes.Tx && !c.PgConn().IsBusy() {
		notes.Lock = stillLocked(c.PgConn())
	}
	return notes.String()
}

// lockBound is how long the question about locks may take.
const lockBound = time.Second

// stillLocked asks the server whether a lock is left: the words of statements do not
// tell whether it was got, and how many times. Where it cannot be asked, one is.
func stillLocked(c *pgconn.PgConn) bool {
	ctx, cancel := context.WithTimeout(context.Background(), lockBound)
	defer cancel()
	results, err := c.Exec(ctx, leftover.LockQuery).ReadAll()
	return err != nil || len(results) != 1 || len(results[0].Rows) > 0
}
