package sessionsql

import (
	"context"
	"database/sql/driver"
	"slices"
	"sync"
)

// link leads to a driver's connection, whichever wrapper has it. database/sql closes
// a wrapper's prepared statements when it closes the wrapper, or when the author closes
// a *sql.Stmt while the wrapper lies idle; the connection may be another's by then.
type link struct {
	conn driver.Conn

	// mu is held while a statement is closed. Who gets the connection waits for it.
	mu      sync.Mutex
	orphans []orphan // the oldest first
}

// orphan is a statement whose wrapper has lost the connection. It waits to be prepared
// again, which a *sql.Stmt that many use does on every wrapper.
type orphan struct {
	query string
	stmt  driver.Stmt
}

// maxOrphans bounds what a connection keeps: more than a program has prepared statements in use.
const maxOrphans = 32

// closeStmt closes a statement while its wrapper has the connection; otherwise it is left over.
func (l *link) closeStmt(s *watchedStmt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.c.linked() == l {
		return s.inner.Close()
	}
	l.orphans = append(l.orphans, orphan{s.query, s.inner})
	return nil
}

// adopt gives a statement that is left over; nil when none of the query is. The caller has the connection.
func (l *link) adopt(query string) driver.Stmt {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.orphans, func(o orphan) bool { return o.query == query })
	if i < 0 {
		return nil
	}
	stmt := l.orphans[i].stmt
	l.orphans = slices.Delete(l.orphans, i, i+1)
	return stmt
}

// settle makes a connection that another wrapper had ready for the next; it says
// whether it is whole.
func (l *link) settle(ctx context.Context) bool {
	l.tidy()
	return reset(ctx, l.conn) == nil
}

// tidy closes what is left over beyond the bound. The caller has the connection.
func (l *link) tidy() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.orphans) > maxOrphans {
		_ = l.orphans[0].stmt.Close() // a broken connection is found out by the next statement
		l.orphans = slices.Delete(l.orphans, 0, 1)
	}
}
