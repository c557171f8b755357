// Package commits has deferred commits that do not know that the work has failed.
package commits

import (
	"database/sql"
	"fmt"
)

func always(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Commit() // want lostcommit error
	_, err = tx.Exec("insert")
	return err
}

func shadowed(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tx.Rollback()
			return
		}
		tx.Commit() // want lostcommit error
	}()
	if _, err := tx.Exec("insert"); err != nil {
		return err
	}
	return nil
}

func panics(db *sql.DB) (err error) {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tx.Rollback()
			return
		}
		err = tx.Commit() // want lostcommit warning
	}()
	_, err = tx.Exec("insert")
	return err
}

func reads(db *sql.DB) (n int, err error) {
	tx, err := db.Begin()
	if err != nil {
		return 0, err
	}
	defer tx.Commit() // want lostcommit warning
	err = read(tx, &n)
	return n, err
}

func read(tx *sql.Tx, n *int) error { return tx.QueryRow("select 1").Scan(n) }

// What follows is right.

func inLine(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec("insert"); err != nil {
		return err
	}
	return tx.Commit()
}

func recovers(db *sql.DB) (err error) {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			tx.Rollback()
			panic(p)
		}
		if err != nil {
			tx.Rollback()
			return
		}
		err = tx.Commit()
	}()
	_, err = tx.Exec("insert")
	return err
}

func rollbackAsksAnother(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			tx.Rollback() // want lostcommit error
		}
	}()
	if _, err := tx.Exec("insert"); err != nil {
		return err
	}
	return tx.Commit()
}

// rollbackAsksTheSame is right.
func rollbackAsksTheSame(db *sql.DB) error {
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
		return fmt.Errorf("insert: %w", err)
	}
	return tx.Commit()
}

// commitAsksTheResult is right: every return sets the named result that the literal asks.
func commitAsksTheResult(db *sql.DB) (err error) {
	tx, err := db.Begin()
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			tx.Rollback()
			panic(p)
		}
		if err != nil {
			tx.Rollback()
			return
		}
		err = tx.Commit()
	}()
	if _, err := tx.Exec("insert"); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

// commitAsksTheResultOfALiteral is right, also with two results and a loop.
func commitAsksTheResultOfALiteral(db *sql.DB) error {
	insert := func() (n int, err error) {
		tx, err := db.Begin()
		if err != nil {
			return 0, err
		}
		defer func() {
			if p := recover(); p != nil || err != nil {
				tx.Rollback()
				return
			}
			err = tx.Commit()
		}()
		for range 3 {
			if _, err := tx.Exec("insert"); err != nil {
				return n, fmt.Errorf("insert: %w", err)
			}
			n++
		}
		return n, nil
	}
	_, err := insert()
	return err
}

// commitAsksTheResultBefore is right: the deferred commit tests the variable itself.
func commitAsksTheResultBefore(db *sql.DB) (err error) {
	var tx *sql.Tx
	if tx, err = db.Begin(); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil {
			tx.Rollback()
			panic(p)
		}
		if err == nil {
			err = tx.Commit()
		} else {
			tx.Rollback()
		}
	}()
	if _, e := tx.Exec("insert"); e != nil {
		return fmt.Errorf("insert: %w", e)
	}
	return nil
}
