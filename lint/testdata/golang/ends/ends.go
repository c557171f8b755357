// Package ends has sessions that are not ended, and sessions that are used after.
package ends

import (
	"context"
	"database/sql"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"
)

func never(db *sql.DB) error {
	tx, err := db.Begin() // want neverended error
	if err != nil {
		return err
	}
	_, err = tx.Exec("insert")
	return err
}

func early(db *sql.DB) error {
	tx, err := db.Begin() // want neverended error
	if err != nil {
		return err
	}
	if _, err := tx.Exec("insert"); err != nil {
		return err
	}
	return tx.Commit()
}

func conn(ctx context.Context, pool *pgxpool.Pool, skip bool) error {
	c, err := pool.Acquire(ctx) // want neverended error
	if err != nil {
		return err
	}
	if skip {
		return nil
	}
	c.Release()
	return nil
}

func after(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	_, err = tx.Exec("insert") // want usedafterend error
	return err
}

func released(ctx context.Context, pool *pgxpool.Pool) error {
	c, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	c.Release()
	_, err = c.Exec(ctx, "select 1") // want usedafterend error
	return err
}

func truncated(db *sql.DB) (*sql.Rows, error) {
	tx, err := db.Begin()
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	rows, err := tx.Query("select 1")
	return rows, err // want usedafterend error
}

// What follows is right.

func deferred(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	_, err = tx.Exec("insert")
	if err != nil {
		return err
	}
	return tx.Commit()
}

func byHelper(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	_, err = tx.Exec("insert")
	return finish(tx, err)
}

func finish(tx *sql.Tx, err error) error {
	if err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}

func byLiteral(db *sql.DB) (err error) {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tx.Rollback()
		}
	}()
	if _, err = tx.Exec("insert"); err != nil {
		return err
	}
	return tx.Commit()
}

func opener(db *sql.DB) (*sql.Tx, error) {
	tx, err := db.Begin()
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec("set x"); err != nil {
		tx.Rollback()
		return nil, err
	}
	return tx, nil
}

func opensThrough(db *sql.DB) error {
	tx, err := opener(db)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return tx.Commit()
}

func leaksThrough(db *sql.DB) error {
	tx, err := opener(db) // want neverended error
	if err != nil {
		return err
	}
	_, err = tx.Exec("insert")
	return err
}

func own(db *sql.DB, tx *sql.Tx) error {
	mine := tx == nil
	if mine {
		var err error
		if tx, err = db.Begin(); err != nil {
			return err
		}
		defer tx.Rollback()
	}
	if _, err := tx.Exec("insert"); err != nil {
		return err
	}
	if mine {
		return tx.Commit()
	}
	return nil
}

func fatal(db *sql.DB) {
	tx, err := db.Begin()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := tx.Exec("insert"); err != nil {
		log.Fatal(err)
	}
	tx.Commit()
}

func rollbackAfterCommit(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		tx.Rollback()
		return err
	}
	return nil
}

func loop(db *sql.DB, xs []string) error {
	for _, x := range xs {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		if _, err := tx.Exec(x); err != nil {
			tx.Rollback()
			continue
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return nil
}

func cancelled(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil) // want neverended warning
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "insert")
	return err
}

type driver struct{ conn *sql.Conn }

func (d *driver) prepare() error {
	_, err := d.conn.ExecContext(context.Background(), "create table")
	return err
}

func (d *driver) Close() error { return d.conn.Close() }

func newDriver(db *sql.DB) (*driver, error) {
	conn, err := db.Conn(context.Background()) // want neverended warning
	if err != nil {
		return nil, err
	}
	d := &driver{conn: conn}
	if err := d.prepare(); err != nil {
		return nil, err
	}
	return d, nil
}

// newDriverThatCloses is right.
func newDriverThatCloses(db *sql.DB) (*driver, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	d := &driver{conn: conn}
	if err := d.prepare(); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func connected(db *sql.DB) (*sql.Conn, error) {
	conn, err := db.Conn(context.Background()) // want neverended warning
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(context.Background(), "set x"); err != nil {
		return nil, err
	}
	return conn, nil
}
