package app

import (
	"context"
	"database/sql"
	"sync"

	"example.com/missing"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type Supervisor struct {
	Tx   pgx.Tx
	Conn *pgxpool.Conn
	sql  *sql.Tx
	log  missing.Logger
}

var current *sql.Tx
var registry = map[string]*sql.Tx{}

func Handle(ctx context.Context, pool *pgxpool.Pool, s *Supervisor) error {
	missing.Trace(ctx)
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	s.Tx = tx // want sessionstored error
	return tx.Commit(ctx)
}

func (s *Supervisor) Attach(tx *sql.Tx) {
	s.sql = tx // want sessionstored warning
}

func Direct(ctx context.Context, pool *pgxpool.Pool, s *Supervisor) (err error) {
	s.Conn, err = pool.Acquire(ctx) // want sessionstored warning
	return err
}

func Global(db *sql.DB) {
	tx, _ := db.Begin()
	current = tx       // want sessionstored error
	registry["a"] = tx // want sessionstored error
	defer tx.Rollback()
}

func Caught(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	go func() { // want sessionspawned error
		tx.Exec("insert")
	}()
	return tx.Commit()
}

func Handed(tx *sql.Tx) {
	go work(tx) // want sessionspawned warning
}

func Sent(ch chan *sql.Tx, tx *sql.Tx) {
	ch <- tx // want sessionstored warning
}

func Constructor(tx *sql.Tx) *Supervisor {
	return &Supervisor{sql: tx} // want sessionstored info
}

// What follows is right.

func Joined(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() { defer wg.Done(); tx.Exec("insert") }()
	wg.Wait()
	return tx.Commit()
}

func TakenOver(db *sql.DB) {
	tx, _ := db.Begin()
	go func() {
		defer tx.Rollback()
		tx.Exec("insert")
	}()
}

func Fresh(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	s := &Supervisor{}
	s.sql = tx
	return tx.Commit()
}

type Owner struct{ tx *sql.Tx }

func (o *Owner) Open(db *sql.DB) (err error) {
	o.tx, err = db.Begin()
	return err
}

func (o *Owner) Close() error { return o.tx.Rollback() }

func Cleared(s *Supervisor) { s.sql = nil }

func work(tx *sql.Tx) {}

// scope is made before its transaction, and both go to the caller.
type scope struct {
	*sql.Tx
	id int
}

func newScope(db *sql.DB) (*scope, error) {
	s := &scope{id: 1}
	tx, err := db.Begin()
	s.Tx = tx
	if err != nil {
		return nil, err
	}
	return s, nil
}

// attach keeps what it does not end: who does cannot be seen from here.
func (s *scope) attach(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	s.Tx = tx // want sessionstored warning
	return nil
}
