package sessionsql

import (
	"context"
	"database/sql/driver"
	"sync"
)

// link leads to a driver's connection, whichever wrapper has it. database/sql closes
// a wrapper's prepared statements when it closes the wrapper, or when the author closes
// a *sql.Stmt while the wrapper lies idle; the connection may be another's by then.
type link struct {
	conn driver.Conn

	// mu is held while a statement is closed. Who gets the connection waits for it.
	mu      sync.Mutex
	orphans []driver.Stmt // of wrappers that have lost the connection
}

// closeStmt closes a statement while its wrapper has the connection. Otherwise the
// one that has it will, when it is done.
func (l *link) closeStmt(s *watchedStmt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.c.linked() == l {
		return s.inner.Close()
	}
	l.orphans = append(l.orphans, s.inner)
	return nil
}

// settle makes a connection that another wrapper had ready for the next; it says
// whether it is whole.
func (l *link) settle(ctx context.Context) bool {
	l.closeOrphans()
	return reset(ctx, l.conn) == nil
}

// closeOrphans closes what other wrappers have left. The caller has the connection.
func (l *link) closeOrphans() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.orphans {
		_ = s.Close() // a broken connection is found out by the next statement
	}
	l.orphans = nil
}
