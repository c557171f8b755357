package auth

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// recheck is how often the token file is looked at, at most.
const recheck = time.Second

// writableByAll is the mode bit that would let anybody on the machine make himself an operator. Who
// may read the file matters less: it holds hashes of long random tokens.
const writableByAll = 0o002

// File is a token file that is read again when it has changed. Its methods may be
// called from several goroutines; it has none of its own.
type File struct {
	path string
	log  *slog.Logger

	mu     sync.Mutex
	looked time.Time
	seen   stamp
	set    Tokens
}

// stamp tells a changed file from an unchanged one.
type stamp struct {
	size  int64
	mtime time.Time
}

// OpenFile reads a token file. One that cannot be read, has a broken line, lets nobody in, or may be
// written by every user of the machine is an error. A nil logger is slog.Default().
func OpenFile(path string, log *slog.Logger) (*File, error) {
	if log == nil {
		log = slog.Default()
	}
	f := &File{path: path, log: log, looked: time.Now()}
	seen, set, err := read(path)
	if err != nil {
		return nil, err
	}
	f.seen, f.set = seen, set
	return f, nil
}

func read(path string) (stamp, Tokens, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, nil, fmt.Errorf("token file: %w", err)
	}
	seen := stamp{size: info.Size(), mtime: info.ModTime()}
	if info.Mode().Perm()&writableByAll != 0 {
		return seen, nil, fmt.Errorf("token file %s: every user of this machine may write it (mode %s): take that right away (chmod o-w)", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return seen, nil, fmt.Errorf("token file: %w", err)
	}
	set, err := ParseTokens(bytes.NewReader(text))
	if err == nil && len(set) == 0 {
		err = errors.New("no token in it (reeve token new makes one)")
	}
	if err != nil {
		return seen, nil, fmt.Errorf("token file %s: %w", path, err)
	}
	return seen, set, nil
}

// Authenticate is an Authenticator: it knows the tokens of the file as it was at most a second ago.
func (f *File) Authenticate(r *http.Request) (Principal, error) {
	token := Bearer(r)
	if token == "" {
		return Principal{}, Missing()
	}
	if who, ok := f.tokens().Find(token); ok {
		return who, nil
	}
	return Principal{}, Unknown()
}

func (f *File) tokens() Tokens {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.looked) >= recheck {
		f.looked = now
		f.look()
	}
	return f.set
}

// look reads the file again if it has changed. A broken file is logged once for each change.
func (f *File) look() {
	info, err := os.Stat(f.path)
	if err == nil && f.seen == (stamp{size: info.Size(), mtime: info.ModTime()}) {
		return
	}
	seen, set, err := read(f.path)
	if err != nil {
		if seen != f.seen {
			f.log.Error("token file not taken over; the tokens of before stay in force", "error", err)
		}
		f.seen = seen
		return
	}
	f.seen, f.set = seen, set
	f.log.Info("token file read again", "path", f.path, "tokens", len(set))
}
