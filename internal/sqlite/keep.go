package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/session/sessionsql"
)

// CreateThread makes an empty thread; its epoch, positions and time are the store's to give.
func (s *Store) CreateThread(ctx context.Context, row reeve.Thread) (reeve.Thread, error) {
	err := s.inBatch(ctx, fmt.Sprintf("create thread %s", row.ID), func(b *batch) error {
		known, err := b.thread(row.ID)
		if err != nil {
			return err
		}
		if known != nil {
			return conflict("thread %s is there already", row.ID)
		}
		t, err := b.addThread(row)
		if err != nil {
			return err
		}
		row.Epoch, row.FirstSeq, row.LastSeq, row.CreatedAt = t.epoch, t.firstSeq, t.lastSeq, timeOf(t.createdAt)
		return nil
	})
	if err != nil {
		return reeve.Thread{}, err
	}
	return row, nil
}

// DeleteThread removes a thread and all that is its. Threads made later have another
// epoch, so that a position in the old log means nothing in a new one of the same id.
func (s *Store) DeleteThread(ctx context.Context, owner string, id reeve.ThreadID) error {
	if err := s.dropThread(ctx, owner, id); err != nil {
		return err
	}
	s.sweepSoon(ctx)
	return nil
}

// dropThread takes out the row, and with it all ways to the rest.
func (s *Store) dropThread(ctx context.Context, owner string, id reeve.ThreadID) error {
	return s.inBatch(ctx, fmt.Sprintf("delete thread %s", id), func(b *batch) error {
		t, err := b.thread(id)
		switch {
		case err != nil:
			return err
		case t == nil || owner != "" && t.owner != owner:
			return noThread(id)
		case t.head != 0:
			return conflict("thread %s has run %s, which has not ended: cancel it first", id, reeve.MakeRunID(id, t.head))
		}
		if err := b.discard(t.k, t.lastSeq+1); err != nil {
			return err
		}
		if _, err := b.tx.ExecContext(b.ctx, `DELETE FROM threads WHERE k = ?`, t.k); err != nil { // its notes, keys and questions go with it
			return err
		}
		b.forget()
		_, err = b.tx.ExecContext(b.ctx, `UPDATE meta SET epoch = epoch + 1, fence = max(fence, ?) WHERE id = 1`, t.fence)
		return err
	})
}

func noThread(id reeve.ThreadID) error {
	return reeve.Errorf(reeve.CodeNotFound, "thread %s: not found", id)
}

// Check writes and reads, and names what an operator should know.
func (s *Store) Check(ctx context.Context) (map[string]string, error) {
	told := map[string]string{"store": "sqlite", "file": s.path, "schema": strconv.Itoa(s.schema.To)}
	err := s.write(ctx, "check", func(ctx context.Context, tx *sessionsql.Tx) error {
		if _, err := tx.ExecStmt(ctx, s.stmts.one[stTouch], clock()); err != nil {
			return err
		}
		return durability(ctx, tx, told)
	})
	if err != nil {
		return nil, err
	}
	if _, err := s.Heads(ctx, []reeve.ThreadID{""}); err != nil { // a reader's turn
		return nil, fmt.Errorf("check: %w", err)
	}
	told["connections"] = strconv.Itoa(s.Connections())
	return told, s.sizes(told)
}

// durability asks the writer's own connection, because synchronous is a matter of the connection.
func durability(ctx context.Context, tx *sessionsql.Tx, told map[string]string) error {
	var mode string
	var synchronous int
	err := errors.Join(
		tx.QueryRowContext(ctx, `PRAGMA journal_mode`).Scan(&mode),
		tx.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&synchronous))
	names := [...]string{"off", "normal", "full", "extra"}
	told["journal_mode"] = mode
	told["synchronous"] = strconv.Itoa(synchronous)
	if synchronous >= 0 && synchronous < len(names) {
		told["synchronous"] = names[synchronous]
	}
	return err
}

// sizes are in bytes. The write-ahead log is not there before the first write.
func (s *Store) sizes(told map[string]string) error {
	for name, path := range map[string]string{"size": s.path, "wal_size": s.path + "-wal"} {
		info, err := os.Stat(path)
		switch {
		case err == nil:
			told[name] = strconv.FormatInt(info.Size(), 10)
		case !errors.Is(err, os.ErrNotExist) || name == "size":
			return fmt.Errorf("check: the database file is gone from its place: %w", err)
		}
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(s.path, &disk); err != nil {
		return fmt.Errorf("check: ask for the space of the disk: %w", err)
	}
	told["disk_free"] = strconv.FormatUint(disk.Bavail*uint64(disk.Bsize), 10)
	return nil
}
