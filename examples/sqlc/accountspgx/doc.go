// Package accountspgx has the form of sqlc's output for pgx.
//
// Its rule: it is what a generator would write, and knows nothing of the guard. Its
// failures are those of the handle it is given, unwrapped.
package accountspgx
