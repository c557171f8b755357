package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reeve-run/reeve/internal/sqlite"
)

func (c *command) migrate() *cobra.Command {
	var data, db string
	var asJSON, restored bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database to this program's schema",
		Long: `Bring the database to this program's schema, and say what was done. ` + "`reeve serve`" + ` does the same
when it starts; this command is for those who want to do it before. No server may hold the data directory.

After the database was put back from a backup, --restored gives every thread a new epoch: a client that was further than the
backup is told so, and is not served other entries under the numbers that it knows.`,
		Example: `  reeve migrate
  reeve migrate --db sqlite:/var/lib/reeve/reeve.db
  reeve migrate --restored`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.migrateFile(cmd.Context(), data, db, asJSON, restored)
		},
	}
	dataFlag(cmd, &data)
	cmd.Flags().StringVar(&db, "db", "", "the database: sqlite:PATH (default: a file in the data directory)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&restored, "restored", false, "the database was put back from a backup: clients whose positions were lost are told so")
	setting(cmd.Flags(), "db")
	return cmd
}

// newEpoch says in the database that it was put back from a backup.
func newEpoch(ctx context.Context, path string) (epoch int64, err error) {
	store, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.Restored(ctx)
}

func (c *command) migrateFile(ctx context.Context, data, db string, asJSON, restored bool) (err error) {
	dir, err := dataDir(data)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "reeve.db")
	if db != "" {
		var ok bool
		if path, ok = strings.CutPrefix(db, "sqlite:"); !ok || path == "" {
			return usage("--db %q: want sqlite:PATH", db)
		}
		dir = filepath.Dir(path)
	}
	lock, err := sqlite.Acquire(dir)
	if err != nil {
		return cannotStart(err)
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	done, err := sqlite.Migrate(ctx, sqlite.Config{Path: path})
	if err != nil {
		return cannotStart(err)
	}
	said := map[string]any{"path": path, "from": done.From, "to": done.To, "applied": done.Applied}
	if restored {
		if said["epoch"], err = newEpoch(ctx, path); err != nil {
			return cannotStart(err)
		}
	}
	if asJSON {
		return printJSON(c.out, said)
	}
	if restored {
		_, err = fmt.Fprintf(c.out, "every thread has the new epoch %d\n", said["epoch"])
		return err
	}
	if len(done.Applied) == 0 {
		_, err = fmt.Fprintf(c.out, "%s is at schema %d: nothing to do\n", path, done.To)
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s brought from schema %d to %d: %s\n", path, done.From, done.To, strings.Join(done.Applied, ", "))
	return err
}
