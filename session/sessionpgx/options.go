package sessionpgx

import (
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/reeve-run/reeve/session"
)

type config struct {
	name  string
	tx    pgx.TxOptions
	guard []session.GuardOption
}

// Option sets up a Pool, or what Watch watches.
type Option func(*config)

// WithName names the pool in errors, counters and lists; "pgx" unless told.
func WithName(name string) Option { return func(c *config) { c.name = name } }

// WithTxOptions sets the isolation level, or read-only, of every unit of the pool.
func WithTxOptions(o pgx.TxOptions) Option { return func(c *config) { c.tx = o } }

// WithRules sets what happens when a rule is broken; rules not named are enforced.
func WithRules(r session.Rules) Option { return guardOption(session.WithRules(r)) }

// WithLog sets where rules in mode Warn, and leaks, are logged; slog.Default() unless told.
func WithLog(l *slog.Logger) Option { return guardOption(session.WithLog(l)) }

// WithLimit sets how long a unit may be held: see session.WithLimit.
func WithLimit(d time.Duration) Option { return guardOption(session.WithLimit(d)) }

// WithIdle sets how long a transaction may do nothing: see session.WithIdle.
func WithIdle(d time.Duration) Option { return guardOption(session.WithIdle(d)) }

// WithWait sets how long a connection may be waited for: see session.WithWait.
func WithWait(d time.Duration) Option { return guardOption(session.WithWait(d)) }

func guardOption(o session.GuardOption) Option {
	return func(c *config) { c.guard = append(c.guard, o) }
}

func configOf(opts []Option) config {
	c := config{name: "pgx"}
	for _, o := range opts {
		o(&c)
	}
	return c
}

func (c config) newGuard(opts ...session.GuardOption) *session.Guard {
	return session.NewGuard(c.name, append(opts, c.guard...)...)
}
