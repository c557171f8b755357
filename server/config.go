package server

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/internal/auth"
	"github.com/reeve-run/reeve/wire"
)

// Principal is who asks: an owner, and whether he is an operator.
type Principal = auth.Principal

// Authenticator finds who made a request; an error means that nobody is known by it. It may be
// called from several goroutines at once.
type Authenticator = auth.Authenticator

// Defaults of a Config.
const (
	DefaultAddr = "127.0.0.1:8000"
	defaultPool = 10
)

// Config says what a server is made of. The zero value of each field but Agents is its default.
type Config struct {
	Agents  []agent.Runnable
	Version string // of the program, for /health and for other nodes

	Addr    string // where Run listens; 127.0.0.1:8000. Port 0 is any free one
	DataDir string // what the server keeps; DefaultDataDir(). One server at a time holds it
	DB      string // sqlite:PATH; a file in DataDir by default
	Pool    int    // connections to the database in all, 2 or more; 10

	TokenFile    string        // lines of SHA256-HEX OWNER [operator]; read again when it changes
	Authenticate Authenticator // instead of TokenFile

	Lease    time.Duration // how long the node is alive after a beat, 300 ms or more; 3 s
	Grace    time.Duration // how long running work may go on when the server stops; 10 s
	MaxRuns  int           // runs in hand at once; 10,000
	PerOwner int           // runs in hand at once of one owner; 0: no limit
	Own      bool          // take up only runs that were accepted by this very server, as `reeve run` does
	MaxEntry int           // bytes of one entry's data, such as a step's result; 4 MiB
	Limits   wire.Limits   // what is taken of one client; zero fields are wire.DefaultLimits

	// Retention is the age after which ended runs are removed from the fronts of their threads;
	// 0: everything is kept.
	Retention time.Duration
	// Stall is the silence after which a step is reported; a minute.
	Stall time.Duration

	// Redact sees the data of every entry before it is stored, and returns what is to be stored instead. It must
	// be quick and may be called from several goroutines.
	Redact func(kind reeve.Kind, data json.RawMessage) json.RawMessage
	Logger *slog.Logger // slog.Default() when nil
}

// DefaultDataDir is $XDG_DATA_HOME/reeve, else ~/.local/share/reeve.
func DefaultDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "reeve"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", reeve.Errorf(reeve.CodeInvalid, "there is no home directory to keep data in: give a data directory: %w", err)
	}
	return filepath.Join(home, ".local", "share", "reeve"), nil
}

func withDefaults(c Config) (Config, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Addr == "" {
		c.Addr = DefaultAddr
	}
	if c.Pool == 0 {
		c.Pool = defaultPool
	}
	if c.DataDir == "" {
		dir, err := DefaultDataDir()
		if err != nil {
			return c, err
		}
		c.DataDir = dir
	}
	if c.DB == "" {
		c.DB = "sqlite:" + filepath.Join(c.DataDir, "reeve.db")
	}
	return c, c.check()
}

// minLease leaves room for a beat to come late: beats go out at a third of the lease.
const minLease = 300 * time.Millisecond

func (c *Config) check() error {
	switch {
	case c.Pool < 2:
		return reeve.Errorf(reeve.CodeInvalid, "pool %d: want 2 or more, one connection writes and the others read", c.Pool)
	case c.Lease != 0 && c.Lease < minLease:
		return reeve.Errorf(reeve.CodeInvalid, "lease %s: want %s or more", c.Lease, minLease)
	case c.Grace < 0 || c.Retention < 0 || c.Stall < 0:
		return reeve.Errorf(reeve.CodeInvalid, "grace, retention and stall are durations from 0 up")
	case c.MaxRuns < 0 || c.PerOwner < 0 || c.MaxEntry < 0:
		return reeve.Errorf(reeve.CodeInvalid, "the limits of runs and entries are numbers from 0 up")
	case c.TokenFile != "" && c.Authenticate != nil:
		return reeve.Errorf(reeve.CodeInvalid, "a token file and an Authenticate of your own: give one of them")
	}
	if c.open() {
		return mayListenOpen(c.Addr)
	}
	return nil
}

// open says whether nobody is asked who he is.
func (c *Config) open() bool { return c.TokenFile == "" && c.Authenticate == nil }

// databasePath is the file of a sqlite:PATH.
func (c *Config) databasePath() (string, error) {
	path, ok := strings.CutPrefix(c.DB, "sqlite:")
	switch {
	case ok && path != "":
		return filepath.Abs(path)
	case strings.HasPrefix(c.DB, "postgres://"), strings.HasPrefix(c.DB, "postgresql://"):
		return "", reeve.Errorf(reeve.CodeInvalid, "PostgreSQL is not in this version yet: use sqlite:PATH, or leave the database out for a file in the data directory")
	}
	return "", reeve.Errorf(reeve.CodeInvalid, "database %q: want sqlite:PATH", redactURL(c.DB))
}

// redactURL keeps a password out of a message.
func redactURL(db string) string {
	scheme, rest, ok := strings.Cut(db, "://")
	if _, host, has := strings.Cut(rest, "@"); ok && has {
		return scheme + "://…@" + host
	}
	return db
}
