package sessionsql

import (
	"context"
	"database/sql"
)

// openRows keeps the rows that a unit gave out, to ask them at its end whether
// they are closed. It is used by the goroutine that has entered the unit.
type openRows struct {
	first [4]tracked // enough for nearly every unit, without an allocation
	n     int
	more  []tracked
}

type tracked struct {
	rows  *sql.Rows
	query string
}

func (o *openRows) add(r *sql.Rows, query string) {
	if o.n == len(o.first) {
		o.sweep()
	}
	if o.n < len(o.first) {
		o.first[o.n] = tracked{r, query}
		o.n++
		return
	}
	o.more = append(o.more, tracked{r, query})
}

// sweep forgets what is closed, so that a unit with a million queries keeps few.
func (o *openRows) sweep() {
	n := 0
	for _, t := range o.first[:o.n] {
		if stillOpen(t.rows) {
			o.first[n] = t
			n++
		}
	}
	clear(o.first[n:])
	o.n = n
}

// open finds rows that are not closed, and the query they come from.
func (o *openRows) open() (query string, found bool) {
	for _, t := range o.first[:o.n] {
		if stillOpen(t.rows) {
			return t.query, true
		}
	}
	for _, t := range o.more {
		if stillOpen(t.rows) {
			return t.query, true
		}
	}
	return "", false
}

// close closes them all.
func (o *openRows) close() {
	for _, t := range o.first[:o.n] {
		_ = t.rows.Close() // what it says, rows.Err has said
	}
	for _, t := range o.more {
		_ = t.rows.Close()
	}
}

// stillOpen asks the rows themselves: Columns is an error only on closed rows.
func stillOpen(r *sql.Rows) bool {
	_, err := r.Columns()
	return err == nil
}

// refusedContext is done, with a reason of ours. database/sql asks the context
// before anything else and puts its error into the *sql.Row or *sql.Stmt that it
// returns: so they carry our error, and no connection is touched.
type refusedContext struct {
	context.Context
	err error
}

func refuse(err error) context.Context { return refusedContext{context.Background(), err} }

func (refusedContext) Done() <-chan struct{} { return closed }
func (r refusedContext) Err() error          { return r.err }

var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()
