package wrapped

import (
	"database/sql"
	"errors"

	"github.com/reeve-run/reeve/lint/testdata/golang/wrapper"
)

func embedded(db *sql.DB) (err error) {
	tx, err := wrapper.BeginWide(db, "wide")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if _, err = tx.Exec("insert"); err != nil {
		return err
	}
	return tx.Commit()
}
