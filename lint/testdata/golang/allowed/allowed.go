// Package allowed has findings that comments allow.
package allowed

import "database/sql"

var current *sql.Tx

func first(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	current = tx //reeve:allow sessionstored it lives as long as the program
	return tx.Commit()
}

func second(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// reeve: allow sessionstored it lives as long as the program too
	current = tx
	return tx.Commit()
}

func third(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	current = tx //reeve:allow sessionstored
	return tx.Commit()
}
