package sessionsql

import (
	"database/sql"
	"log/slog"
	"time"

	"github.com/reeve-run/reeve/session"
)

type config struct {
	name    string
	tx      *sql.TxOptions
	dialect Dialect
	guards  []session.GuardOption
	maxOpen int

	lifetime time.Duration
}

// Option sets up a Pool, or the connections of Open.
type Option func(*config)

// WithName names the pool in errors, counters and lists. Unless told it is the
// name of the driver's package.
func WithName(name string) Option { return func(c *config) { c.name = name } }

// WithRules sets what happens when a rule is broken; rules not named are enforced.
func WithRules(r session.Rules) Option { return guardOption(session.WithRules(r)) }

// WithLog sets where rules in mode Warn, and leaks, are logged; slog.Default() unless told.
func WithLog(l *slog.Logger) Option { return guardOption(session.WithLog(l)) }

// WithTxOptions sets the isolation level, or read-only, of every unit of the pool.
func WithTxOptions(o sql.TxOptions) Option { return func(c *config) { c.tx = &o } }

// WithDialect says which database it is, for Once. Unless told it is found out
// from the driver.
func WithDialect(d Dialect) Option { return func(c *config) { c.dialect = d } }

// WithLimit sets how long a unit may be held: see session.WithLimit.
func WithLimit(d time.Duration) Option { return guardOption(session.WithLimit(d)) }

// WithIdle sets how long a transaction may do nothing: see session.WithIdle.
func WithIdle(d time.Duration) Option { return guardOption(session.WithIdle(d)) }

// WithWait sets how long a connection may be waited for: see session.WithWait.
func WithWait(d time.Duration) Option { return guardOption(session.WithWait(d)) }

// WithMaxOpen limits the connections of Open and Watch, as db.SetMaxOpenConns
// does, but so that the guard sees who waits. There is no limit unless told.
func WithMaxOpen(n int) Option { return func(c *config) { c.maxOpen = n } }

// WithMaxLifetime sets how old a connection may be that is handed over to a caller who
// waits: an older one is closed, and the caller gets a new one. Set it beside
// db.SetConnMaxLifetime, which counts from the last hand-over.
func WithMaxLifetime(d time.Duration) Option { return func(c *config) { c.lifetime = d } }

func guardOption(o session.GuardOption) Option {
	return func(c *config) { c.guards = append(c.guards, o) }
}

func (c *config) guard(opts ...session.GuardOption) *session.Guard {
	return session.NewGuard(c.name, append(opts, c.guards...)...)
}
