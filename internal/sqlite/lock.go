package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/reeve-run/reeve"
)

// lockName is the file in the data directory that one server holds.
const lockName = "reeve.lock"

// maxAddress bounds what is read of a lock file that somebody else wrote.
const maxAddress = 4096

// Lock is the hold of one server on a data directory. The kernel lets go of it when
// the process dies, however it dies; so a dead server needs no waiting for.
type Lock struct {
	file *os.File
}

// Acquire takes the data directory for this process, and makes it if it is not there.
// While another process holds it the error has CodeConflict and names that server.
func Acquire(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	if err := writable(dir); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data directory: %w", err)
	}
	if err := takeLock(file, dir); err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	l := &Lock{file: file}
	if err := l.SetAddress(""); err != nil {
		return nil, errors.Join(err, l.Release())
	}
	return l, nil
}

// takeLock tries for a moment longer than Holder, which asks by locking, keeps it.
func takeLock(file *os.File, dir string) error {
	for range 20 {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EWOULDBLOCK):
			time.Sleep(10 * time.Millisecond)
		default:
			return fmt.Errorf("lock the data directory %s: %w", dir, err)
		}
	}
	return heldError(dir, readAddress(file))
}

func heldError(dir, address string) error {
	if address == "" {
		return reeve.Errorf(reeve.CodeConflict,
			"another reeve is using the data directory %s: stop it, or name another --data", dir)
	}
	return reeve.Errorf(reeve.CodeConflict,
		"the data directory %s is held by the server at %s: use that one (--url %s), stop it, or name another --data", dir, address, address)
}

// SetAddress writes where this server is reached, for others to read; to be called when
// the listener is bound.
func (l *Lock) SetAddress(address string) error {
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("write the server's address: %w", err)
	}
	if _, err := l.file.WriteAt([]byte(address+"\n"), 0); err != nil {
		return fmt.Errorf("write the server's address: %w", err)
	}
	return nil
}

// Release lets go of the directory. The file stays: to remove it would race with the next holder.
func (l *Lock) Release() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("let go of the data directory: %w", err)
	}
	return nil
}

// Holder says whether a process holds the data directory, and where its server is
// reached; the address is "" while it has not bound its listener. A directory that is
// not there is held by nobody.
func Holder(dir string) (address string, held bool, err error) {
	file, err := os.Open(filepath.Join(dir, lockName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("look at the data directory's lock: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	err = unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	switch {
	case err == nil:
		return "", false, nil
	case errors.Is(err, unix.EWOULDBLOCK):
		return readAddress(file), true, nil
	}
	return "", false, fmt.Errorf("ask for the data directory's lock: %w", err)
}

func readAddress(file *os.File) string {
	buf := make([]byte, maxAddress)
	n, _ := file.ReadAt(buf, 0) // what was read before an error still names the server
	line, _, _ := strings.Cut(string(buf[:n]), "\n")
	return strings.TrimSpace(line)
}

// accessible asks the kernel whether this user may write.
func accessible(path string) error { return unix.Access(path, unix.W_OK) }
