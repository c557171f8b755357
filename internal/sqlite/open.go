package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/journal"
	"github.com/reeve-run/reeve/session"
	"github.com/reeve-run/reeve/session/sessionsql"
)

var _ journal.Store = (*Store)(nil)

// Config says which file, and how many connections read it.
type Config struct {
	Path    string       // the database file; made when it is not there
	Readers int          // connections that read, beside the one that writes; 9 when 0
	Logger  *slog.Logger // slog.Default() when nil
}

// defaultReaders and the writer make the ten connections of --pool's default.
const defaultReaders = 9

// Store is a journal.Store in one SQLite file. It is safe for concurrent use. The
// process must hold the Lock of the file's directory for as long as the store is open.
type Store struct {
	path     string
	log      *slog.Logger
	writerDB *sql.DB
	readerDB *sql.DB
	writer   session.Pool[*sessionsql.Tx]
	reader   session.Pool[*sessionsql.Tx]
	schema   Migration

	turn   chan struct{} // holds one token: who has it may open the writing unit
	done   chan struct{} // closed by Close
	ending sync.Once

	// What follows belongs to whoever has the turn.
	stmts   *statements
	threads cache
	serials serials
	scratch scratch

	pruneFrom place
}

// Open opens the file, checks it and brings it to this program's schema. The error has
// CodeUnavailable and says what to do: about a file that is damaged, not a database,
// read-only, newer than this program, or a disk that is full.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := newStore(c)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, cannotOpen(s.path, errors.Join(err, s.Close()))
	}
	return s, nil
}

func cannotOpen(path string, err error) error {
	return &reeve.Error{Code: reeve.CodeUnavailable, Message: fmt.Sprintf("open database %s: %v", path, err), Err: err}
}

// Migrate brings the file to this program's schema, as Open does, and says what it did.
func Migrate(ctx context.Context, c Config) (Migration, error) {
	s, err := Open(ctx, c)
	if err != nil {
		return Migration{}, err
	}
	return s.schema, s.Close()
}

// Migration says what Open did to the schema.
func (s *Store) Migration() Migration { return s.schema }

func newStore(c Config) (*Store, error) {
	if c.Path == "" {
		return nil, reeve.Errorf(reeve.CodeInvalid, "the database file has no name")
	}
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, fmt.Errorf("find database %s: %w", c.Path, err)
	}
	if err := inspect(path); err != nil {
		return nil, err
	}
	s := &Store{path: path, log: c.Logger, turn: make(chan struct{}, 1), done: make(chan struct{})}
	if s.log == nil {
		s.log = slog.Default()
	}
	if err := s.connect(max(c.Readers, 0)); err != nil {
		return nil, err
	}
	s.turn <- struct{}{}
	return s, nil
}

// connect sets up both pools; nothing is opened yet.
func (s *Store) connect(readers int) error {
	if readers == 0 {
		readers = defaultReaders
	}
	var err error
	if s.writerDB, err = openPool(dsn(s.path, "rwc", writerPragmas()...), 1); err != nil {
		return err
	}
	if s.readerDB, err = openPool(dsn(s.path, "rw", readerPragmas()...), readers); err != nil {
		return errors.Join(err, s.writerDB.Close())
	}
	s.writer = sessionsql.Pool(s.writerDB, sessionsql.WithName("sqlite writer"), sessionsql.WithLog(s.log))
	s.reader = sessionsql.Pool(s.readerDB, sessionsql.WithName("sqlite readers"), sessionsql.WithLog(s.log),
		sessionsql.WithTxOptions(sql.TxOptions{ReadOnly: true}))
	return nil
}

// openPool keeps every connection it has made: opening one costs more than a commit.
func openPool(dsn string, size int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// start does what needs the file itself.
func (s *Store) start(ctx context.Context) error {
	all, err := migrations(embedded)
	if err != nil {
		return err
	}
	if err := quickCheck(ctx, s.writerDB, s.path); err != nil {
		return s.explain(err)
	}
	if s.schema, err = migrate(ctx, s.writerDB, all); err != nil {
		return s.explain(err)
	}
	if s.stmts, err = prepare(ctx, s.writerDB); err != nil {
		return s.explain(err)
	}
	s.threads = cache{}
	return s.firstWrite(ctx)
}

// firstWrite finds out now whether the file can be written.
func (s *Store) firstWrite(ctx context.Context) error {
	return s.write(ctx, "write to the database", func(ctx context.Context, tx *sessionsql.Tx) error {
		_, err := tx.ExecStmt(ctx, s.stmts.one[stTouch], clock())
		return err
	})
}

// Connections is how many connections to the file are open, reading and writing.
func (s *Store) Connections() int {
	return s.writerDB.Stats().OpenConnections + s.readerDB.Stats().OpenConnections
}

// Close waits for the unit that is being written and closes every connection; the
// writer's goes last, with which SQLite folds the write-ahead log back into the file. It
// may be called again, and after errors.
func (s *Store) Close() error {
	var err error
	s.ending.Do(func() {
		close(s.done)
		<-s.turn // units are bounded, so this is; the token is never given back
		err = errors.Join(s.stmts.close(), s.readerDB.Close(), s.writerDB.Close())
	})
	if err != nil {
		return fmt.Errorf("close database %s: %w", s.path, err)
	}
	return nil
}
