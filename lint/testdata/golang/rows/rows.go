// Package rows has results that are not read to their end.
package rows

import (
	"context"
	"database/sql"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func first(db *sql.DB) (int, error) {
	rows, err := db.Query("select 1") // want unreadrows error
	if err != nil {
		return 0, err
	}
	var n int
	if rows.Next() {
		err = rows.Scan(&n)
	}
	return n, err
}

func scanFails(db *sql.DB) error {
	rows, err := db.Query("select 1") // want unreadrows error
	if err != nil {
		return err
	}
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return err
		}
	}
	return rows.Err()
}

func never(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, "select 1") // want unreadrows error
	if err != nil {
		return err
	}
	_ = rows.CommandTag()
	return nil
}

func unscanned(db *sql.DB) {
	db.QueryRow("insert") // want unreadrows error
}

func inLoop(db *sql.DB) error {
	rows, err := db.Query("select id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := db.Exec("update"); err != nil { // want nestedacquire warning
			return err
		}
	}
	return rows.Err()
}

func busy(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, "select id")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if _, err := tx.Exec(ctx, "update"); err != nil { // want nestedacquire error
			return err
		}
	}
	return rows.Err()
}

func closed(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	rows, err := conn.QueryContext(ctx, "select 1")
	if err != nil {
		conn.Close()
		return err
	}
	conn.Close() // want closedbusy error
	return rows.Close()
}

func released(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	rows, err := conn.Query(ctx, "select 1")
	if err != nil {
		conn.Release()
		return err
	}
	conn.Release() // want closedbusy warning
	rows.Close()
	return rows.Err()
}

func leftToTheCaller(tx *sql.Tx) (bool, error) {
	rows, err := tx.Query("select 1") // want unreadrows warning
	if err != nil {
		return false, err
	}
	return rows.Next(), nil
}

// What follows is right.

func leftToTheRollback(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	rows, err := tx.Query("select 1")
	if err != nil {
		return err
	}
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func scanClosesOnError(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, "select 1")
	if err != nil {
		return err
	}
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return err
		}
		if _, err = rows.Values(); err != nil {
			return err
		}
	}
	return rows.Err()
}

func toTheEnd(db *sql.DB) error {
	rows, err := db.Query("select 1")
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return rows.Err()
}

func deferred(db *sql.DB) error {
	rows, err := db.Query("select 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil
	}
	var n int
	return rows.Scan(&n)
}

func collected(ctx context.Context, pool *pgxpool.Pool) ([]int, error) {
	rows, err := pool.Query(ctx, "select 1")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int])
}

func scanned(db *sql.DB) (n int, err error) {
	err = db.QueryRow("select 1").Scan(&n)
	return n, err
}

func inOrder(ctx context.Context, db *sql.DB) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, "select 1")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

func asksFirst(db *sql.DB) (n int, err error) {
	rows, err := db.Query("select 1")
	if err != nil {
		return 0, err
	}
	if rows.Err() != nil {
		return 0, rows.Err()
	}
	defer rows.Close()
	rows.Next()
	return n, rows.Scan(&n)
}

// required is right: the second answer, which must be no, has closed the rows.
func required(db *sql.DB) error {
	rows, err := db.Query("select")
	if err != nil {
		return err
	}
	must(rows.Next())
	var n int
	err = rows.Scan(&n)
	must(!rows.Next())
	return err
}

func must(is bool) {
	if !is {
		panic("it is not")
	}
}

type prepared struct{ list *sql.Stmt }

func (p *prepared) all() ([]int, error) {
	rows, err := p.list.Query() // want unreadrows error
	if err != nil {
		return nil, err
	}
	var all []int
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

// inTx is right: the end of the transaction closes the rows after an error.
func (p *prepared) inTx(tx *sql.Tx) error {
	rows, err := tx.Stmt(p.list).Query()
	if err != nil {
		return err
	}
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return err
		}
	}
	return rows.Err()
}

// lenient is right: an error that is not one comes without rows.
func (p *prepared) lenient() (n int, err error) {
	defer func() {
		if err != nil {
			n = -1
		}
	}()
	rows, err := p.list.Query()
	if err != nil && err != sql.ErrNoRows {
		return 0, err
	}
	if err == nil {
		defer rows.Close()
		for rows.Next() {
			n++
		}
	}
	return n, nil
}

// readAll is right: what closes the rows is known by nothing but Close.
func readAll(db *sql.DB) (int, error) {
	rows, err := db.Query("select")
	if err != nil {
		return 0, err
	}
	return counted(rows)
}

func counted(rows *sql.Rows) (n int, err error) {
	defer shut(rows)
	for rows.Next() {
		n++
	}
	return n, rows.Err()
}

var shut = func(c io.Closer) { _ = c.Close() }
