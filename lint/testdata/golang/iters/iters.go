// Package iters walks over iterators while a transaction is open, and ends it in helpers
// that look at the error through a pointer.
package iters

import (
	"context"
	"database/sql"
	"iter"
	"log"
)

// ids walks over the rows that it opens.
func ids(ctx context.Context, db *sql.DB) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		rows, err := db.QueryContext(ctx, "select id from t")
		if err != nil {
			yield(0, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var id int
			err := rows.Scan(&id)
			if !yield(id, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(0, err)
		}
	}
}

// stale uses the transaction in a loop's body after its end.
func stale(ctx context.Context, db *sql.DB, seq iter.Seq[int]) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for id := range seq {
		if _, err := tx.ExecContext(ctx, "update t set n = 1 where id = $1", id); err != nil { // want usedafterend error
			return err
		}
	}
	return nil
}

// spawns starts a goroutine with the transaction in a loop's body.
func spawns(ctx context.Context, db *sql.DB, seq iter.Seq[int]) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for id := range seq {
		go func() { // want sessionspawned error
			_, _ = tx.ExecContext(ctx, "update t set n = 1 where id = $1", id)
		}()
	}
	return tx.Commit()
}

// outer goes past the transaction in a loop's body.
func outer(ctx context.Context, db *sql.DB, seq iter.Seq[int]) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for id := range seq {
		if _, err := db.ExecContext(ctx, "update t set n = 1 where id = $1", id); err != nil { // want outerhandle error
			return err
		}
	}
	return tx.Commit()
}

// leaves returns out of a loop's body without an end.
func leaves(ctx context.Context, db *sql.DB, seq iter.Seq[int]) error {
	tx, err := db.BeginTx(ctx, nil) // want neverended error
	if err != nil {
		return err
	}
	for id := range seq {
		if _, err := tx.ExecContext(ctx, "update t set n = 1 where id = $1", id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// What follows is right.

func within(ctx context.Context, db *sql.DB, seq iter.Seq[int]) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for id := range seq {
		if _, err := tx.ExecContext(ctx, "update t set n = 1 where id = $1", id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// ends rolls back in the loop's body, where it leaves.
func ends(ctx context.Context, db *sql.DB, seq iter.Seq[int]) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for id := range seq {
		if _, err := tx.ExecContext(ctx, "update t set n = 1 where id = $1", id); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

// each opens and ends one transaction a turn.
func each(ctx context.Context, db *sql.DB, seq iter.Seq[int]) error {
	for id := range seq {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "update t set n = 1 where id = $1", id); err != nil {
			_ = tx.Rollback()
			return err
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func walks(ctx context.Context, db *sql.DB) (sum int, err error) {
	for id, err := range ids(ctx, db) {
		if err != nil {
			return 0, err
		}
		sum += id
	}
	return sum, nil
}

// unit is a transaction with an end that asks the caller's error.
type unit struct{ *sql.Tx }

func (u *unit) commitOrRollback(err *error) {
	if *err != nil {
		_ = u.Rollback()
		return
	}
	*err = u.Commit()
}

func finish(tx *sql.Tx, err *error) {
	if p := recover(); p != nil {
		_ = tx.Rollback()
		panic(p)
	}
	if *err != nil {
		_ = tx.Rollback()
		return
	}
	*err = tx.Commit()
}

func closeAndLog(_ context.Context, rows *sql.Rows, what string) {
	if err := rows.Close(); err != nil {
		log.Print(what, err)
	}
}

func byMethod(ctx context.Context, db *sql.DB) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	u := &unit{tx}
	defer u.commitOrRollback(&err)
	_, err = u.ExecContext(ctx, "update t set n = 1")
	return err
}

func byFunction(ctx context.Context, db *sql.DB) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer finish(tx, &err)
	_, err = tx.ExecContext(ctx, "update t set n = 1")
	return err
}

func byHelper(ctx context.Context, db *sql.DB) (n int, err error) {
	rows, err := db.QueryContext(ctx, "select n from t")
	if err != nil {
		return 0, err
	}
	defer closeAndLog(ctx, rows, "sum")
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}

// prepared never closes the rows of a statement.
func prepared(ctx context.Context, stmt *sql.Stmt) (n int, err error) {
	rows, err := stmt.QueryContext(ctx, 1) // want unreadrows warning
	if err != nil {
		return 0, err
	}
	if rows.Next() {
		err = rows.Scan(&n)
	}
	return n, err
}

// preparedClosed is right.
func preparedClosed(ctx context.Context, stmt *sql.Stmt) (n int, err error) {
	rows, err := stmt.QueryContext(ctx, 1)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}

// dropped never reads the row of a statement, which keeps its connection.
func dropped(ctx context.Context, stmt *sql.Stmt) {
	stmt.QueryRowContext(ctx, 1) // want unreadrows error
}
