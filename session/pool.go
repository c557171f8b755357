package session

import "context"

// Pool opens units of work over one database. U is what the function gets: a
// *sessionsql.Tx, a pgx.Tx. A Pool is safe for use by many goroutines at once.
type Pool[U any] interface {
	// Do runs fn in one unit: it commits when fn returns nil, and rolls back
	// when fn returns an error (which is returned, wrapped at most) or panics
	// (the panic goes on). The unit ends when Do returns; it must not be kept,
	// sent, or caught by a goroutine. Do with a ctx that already holds a unit
	// of the same pool is an *IllegalStateError, unless the rule Nested is off.
	Do(ctx context.Context, fn func(context.Context, U) error) error

	// Once runs fn in one unit and stores its result under key in the same
	// transaction; with a key that is stored already it returns the stored
	// result and does not run fn. So fn's writes happen exactly once per key,
	// however often Once is called, and by however many processes.
	Once(ctx context.Context, key string, fn func(context.Context, U) ([]byte, error)) ([]byte, error)
}
