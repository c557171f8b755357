package sessionsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

// link leads to a driver's connection, whichever wrapper has it. database/sql closes
// a wrapper's prepared statements when it closes the wrapper, or when the author closes
// a *sql.Stmt while the wrapper lies idle; the connection may be another's by then.
type link struct {
	conn driver.Conn
	born time.Time

	// mu is held while what was opened on the connection is closed. Who gets the
	// connection waits for it.
	mu      sync.Mutex
	open    []*opened      // the oldest first: some drivers leak a connection that is closed before what is open on it
	orphans []*watchedStmt // statements whose wrappers have lost the connection, the oldest first
	closed  bool
}

// opened are rows or a statement of the driver's.
type opened struct{ io.Closer }

// maxOrphans bounds what a connection keeps for a *sql.Stmt that many use, and that is
// prepared again on every wrapper: more than a program has of them.
const maxOrphans = 32

// note keeps what must be closed before the connection is.
func (l *link) note(c io.Closer) *opened {
	o := &opened{c}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, o)
	return o
}

// shut closes something by itself. The caller holds the lock.
func (l *link) shut(o *opened) error {
	for i, other := range slices.Backward(l.open) {
		if other == o {
			l.open = slices.Delete(l.open, i, i+1)
			break
		}
	}
	return o.Close()
}

// closeRows closes rows, unless they went with their connection.
func (l *link) closeRows(rows *opened) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	return l.shut(rows)
}

// closeStmt closes a statement while its wrapper has the connection; otherwise it is left over.
func (l *link) closeStmt(s *watchedStmt) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil
	case s.c.linked() == l:
		return l.shut(s.opened)
	}
	l.orphans = append(l.orphans, s)
	return nil
}

// adopt gives a statement that is left over; nil when none of the query is. The caller has the connection.
func (l *link) adopt(query string) *watchedStmt {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.orphans, func(s *watchedStmt) bool { return s.query == query })
	if i < 0 {
		return nil
	}
	stmt := l.orphans[i]
	l.orphans = slices.Delete(l.orphans, i, i+1)
	return stmt
}

// settle makes a connection that another wrapper had ready for the next; it says
// whether it is whole. Where connections have been found broken of late, it is asked.
func (l *link) settle(ctx context.Context, doubtful bool) bool {
	l.tidy()
	if errors.Is(reset(ctx, l.conn), driver.ErrBadConn) {
		return false // any other error database/sql would pass over
	}
	if p, ok := l.conn.(driver.Pinger); ok && doubtful {
		return p.Ping(ctx) == nil
	}
	return true
}

// tidy closes what is left over beyond the bound. The caller has the connection.
func (l *link) tidy() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.orphans) > maxOrphans {
		_ = l.shut(l.orphans[0].opened) // a broken connection is found out by the next statement
		l.orphans = slices.Delete(l.orphans, 0, 1)
	}
}

// close closes the connection and all that was opened on it, once.
func (l *link) close() error {
	l.mu.Lock()
	was, open := l.closed, l.open
	l.closed, l.open, l.orphans = true, nil, nil
	l.mu.Unlock()
	if was {
		return nil
	}
	for _, o := range slices.Backward(open) {
		_ = o.Close() // what it says, the connection's own end says as well
	}
	return l.conn.Close()
}
