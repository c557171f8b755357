package main

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// supervisor is the mistake: it keeps a session that somebody else will end.
type supervisor struct{ tx *sql.Tx }

func (s *supervisor) record(ctx context.Context, step string) error {
	_, err := s.tx.ExecContext(ctx, `INSERT INTO steps VALUES (?)`, step)
	return err
}

// lentBare is the handler: it lends its session, starts the supervisor, and ends
// the session as soon as it has answered. The supervisor is told so late that nobody
// knows any more who ended it, or where.
func lentBare(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	answered, supervised := make(chan struct{}), make(chan error, 1)
	s := &supervisor{tx: tx}
	go func() {
		<-answered
		supervised <- s.record(ctx, "plan")
	}()
	if err := tx.Commit(); err != nil {
		return err
	}
	close(answered)
	return <-supervised
}

// sharedBare gives one session to two agents: database/sql queues them up, and
// each writes into the other's transaction.
func sharedBare(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	s := &supervisor{tx: tx}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		//reeve:allow sessionspawned it is the mistake that this example shows
		wg.Go(func() { errs[i] = s.record(ctx, "agent") })
	}
	wg.Wait()
	return errors.Join(errs[0], errs[1], tx.Rollback())
}

// waitBare waits for the supervisor with the session open, and the supervisor
// waits for the one connection of the pool.
func waitBare(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	//reeve:allow outerhandle it is the mistake that this example shows
	_, err = db.ExecContext(ctx, `INSERT INTO steps VALUES ('plan')`)
	return err
}
