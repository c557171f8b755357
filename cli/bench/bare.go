package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver, the same as the store's
)

// The lanes' limits, as the journal has them.
const (
	maxRows  = 1000
	maxBytes = 8 << 20
)

// chunks are the sizes of the prepared statements, largest first.
var chunks = []int{64, 8, 1}

// bareSchema is the least that can be called a fenced log. Rows lie in the order of their commits, and an
// index gives each thread its own order: clustered by thread, a batch of a thousand threads would touch
// a page for each.
const bareSchema = `
CREATE TABLE threads (id INTEGER PRIMARY KEY, fence INTEGER NOT NULL, last_seq INTEGER NOT NULL);
CREATE TABLE log (thread INTEGER NOT NULL, seq INTEGER NOT NULL, data BLOB NOT NULL);
CREATE UNIQUE INDEX log_position ON log (thread, seq);
`

// row is one row on its way: the thread, the fence it is written under, and the payload.
type row struct {
	thread int64
	fence  int64
	data   []byte
	done   chan error
}

// bare is a fenced group commit on the bare database: writers hand in one row each, a
// committer takes what waits, up to the limits, and commits it.
type bare struct {
	db     *sql.DB
	conn   *sql.Conn
	insert map[int]*sql.Stmt
	update map[int]*sql.Stmt

	wake chan struct{} // holds one token while pending may have something
	stop chan struct{}
	left chan struct{}

	rows atomic.Int64 // that are durable
	next atomic.Int64 // the last thread that was given out
	made int64        // threads that are there

	mu      sync.Mutex
	pending []row
}

// openBare makes a database and starts its committer; close stops it.
func openBare(ctx context.Context, dir string) (*bare, error) {
	path := filepath.Join(dir, "bare.db")
	pragmas := url.Values{"_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)", "cache_size(-32000)", "wal_autocheckpoint(4000)",
	}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+pragmas.Encode())
	if err != nil {
		return nil, fmt.Errorf("open the bare database: %w", err)
	}
	b := &bare{
		db: db, insert: map[int]*sql.Stmt{}, update: map[int]*sql.Stmt{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), left: make(chan struct{}),
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare the bare database: %w", err), db.Close())
	}
	go b.commits()
	return b, nil
}

func (b *bare) prepare(ctx context.Context) error {
	var err error
	if b.conn, err = b.db.Conn(ctx); err != nil {
		return err
	}
	if _, err := b.conn.ExecContext(ctx, bareSchema); err != nil {
		return err
	}
	for _, n := range chunks {
		// One statement writes each row whose fence still stands, the other moves its thread on.
		insert := "WITH v(thread, fence, data) AS (VALUES " + strings.Repeat(", (?, ?, ?)", n)[2:] + ") " +
			"INSERT INTO log SELECT v.thread, t.last_seq + 1, v.data FROM v CROSS JOIN threads t ON t.id = v.thread AND t.fence = v.fence"
		update := "UPDATE threads SET last_seq = last_seq + 1 WHERE id IN (" + strings.Repeat(", ?", n)[2:] + ")"
		if b.insert[n], err = b.conn.PrepareContext(ctx, insert); err != nil {
			return err
		}
		if b.update[n], err = b.conn.PrepareContext(ctx, update); err != nil {
			return err
		}
	}
	return nil
}

// more makes further threads, so that no measurement has to. Each run has a thread of its own, as with reeve.
func (b *bare) more(ctx context.Context, threads int) error {
	fill := `WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO threads SELECT i, 1, 0 FROM n`
	_, err := b.conn.ExecContext(ctx, fill, b.made+1, b.made+int64(threads))
	b.made += int64(threads)
	return err
}

// thread gives out a thread that nobody writes to.
func (b *bare) thread() (int64, error) {
	n := b.next.Add(1)
	if n > b.made {
		return 0, errors.New("the bare ran out of threads")
	}
	return n, nil
}

// write hands in a row and returns when it is durable. A thread has one writer at a time.
func (b *bare) write(thread int64, data []byte, done chan error) error {
	b.mu.Lock()
	b.pending = append(b.pending, row{thread: thread, fence: 1, data: data, done: done})
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return <-done
}

// take cuts the next batch off what waits.
func (b *bare) take() []row {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, bytes := 0, 0
	for n < len(b.pending) && n < maxRows && bytes+len(b.pending[n].data) <= maxBytes {
		bytes += len(b.pending[n].data)
		n++
	}
	batch := b.pending[:n:n]
	b.pending = b.pending[n:]
	if len(b.pending) == 0 {
		b.pending = nil
	}
	return batch
}

func (b *bare) commits() {
	defer close(b.left)
	for {
		if batch := b.take(); len(batch) > 0 {
			err := b.commit(batch)
			for i := range batch {
				batch[i].done <- err
			}
			continue
		}
		select {
		case <-b.wake:
		case <-b.stop:
			return
		}
	}
}

// commit is bounded by the disk alone: it has no context to check a thousand times.
func (b *bare) commit(batch []row) error {
	ctx := context.Background()
	tx, err := b.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := b.writeRows(ctx, tx, batch); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	b.rows.Add(int64(len(batch)))
	return nil
}

func (b *bare) writeRows(ctx context.Context, tx *sql.Tx, batch []row) error {
	args, ids := make([]any, 0, 3*chunks[0]), make([]any, 0, chunks[0])
	for len(batch) > 0 {
		n := chunk(len(batch))
		args, ids = args[:0], ids[:0]
		for _, r := range batch[:n] {
			args, ids = append(args, r.thread, r.fence, r.data), append(ids, r.thread)
		}
		res, err := tx.StmtContext(ctx, b.insert[n]).ExecContext(ctx, args...)
		if err != nil {
			return err
		}
		if written, err := res.RowsAffected(); err != nil || written != int64(n) {
			return fmt.Errorf("%d of %d rows passed the fence: %w", written, n, err)
		}
		if _, err := tx.StmtContext(ctx, b.update[n]).ExecContext(ctx, ids...); err != nil {
			return err
		}
		batch = batch[n:]
	}
	return nil
}

// chunk is the largest statement that so many rows fill.
func chunk(rows int) int {
	for _, n := range chunks {
		if n <= rows {
			return n
		}
	}
	return 1
}

// close stops the committer and closes the database.
func (b *bare) close() error {
	close(b.stop)
	<-b.left
	return errors.Join(b.conn.Close(), b.db.Close())
}

// alone times so many commits of one row by one writer.
func (b *bare) alone(n int, payload []byte) ([]time.Duration, error) {
	thread, err := b.thread()
	if err != nil {
		return nil, err
	}
	done, took := make(chan error, 1), make([]time.Duration, n)
	for i := range took {
		began := time.Now()
		if err := b.write(thread, payload, done); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
	}
	return took, nil
}
