package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver of the example

	"github.com/reeve-run/reeve/session/sessionsql"
)

func main() {
	dir, err := os.MkdirTemp("", "guard")
	if err == nil {
		err = show(context.Background(), os.Stdout, dir)
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// patience is how long the example watches something hang.
const patience = time.Second

// show makes each mistake bare and guarded.
func show(ctx context.Context, w io.Writer, dir string) error {
	dsn := "file:" + filepath.Join(dir, "guard.db")
	bare, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	bare.SetMaxOpenConns(1)
	defer bare.Close()
	guarded, err := sessionsql.Open("sqlite", dsn, sessionsql.WithMaxOpen(1))
	if err != nil {
		return err
	}
	defer guarded.Close()
	if _, err := bare.ExecContext(ctx, `CREATE TABLE steps (name text)`); err != nil {
		return err
	}
	for _, m := range []struct {
		what          string
		bare, guarded func(context.Context, *sql.DB) error
	}{
		{"the supervisor uses the handler's session after its end", lentBare, lentGuarded},
		{"two agents use it at once", sharedBare, sharedGuarded},
		{"the supervisor opens its own while the handler waits with one open", waitBare, waitGuarded},
	} {
		fmt.Fprintln(w, m.what)
		watch(ctx, w, "bare", func(ctx context.Context) error { return m.bare(ctx, bare) })
		watch(ctx, w, "guarded", func(ctx context.Context) error { return m.guarded(ctx, guarded) })
	}
	return nil
}

// watch runs one of them, and breaks off what hangs.
func watch(ctx context.Context, w io.Writer, how string, mistake func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := mistake(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Fprintf(w, "  %-8s hangs\n", how)
	case err == nil:
		fmt.Fprintf(w, "  %-8s says nothing\n", how)
	default:
		fmt.Fprintf(w, "  %-8s %v\n", how, err)
	}
}
