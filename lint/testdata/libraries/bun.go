package libraries

import (
	"context"

	"github.com/uptrace/bun"
)

func bunNeverEnded(ctx context.Context, db *bun.DB) error {
	tx, err := db.BeginTx(ctx, nil) // want neverended error
	if err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(&row{}).Exec(ctx); err != nil {
		return err
	}
	return tx.Commit()
}

// bunRight ends its transaction on every way.
func bunRight(ctx context.Context, db *bun.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.NewInsert().Model(&row{}).Exec(ctx); err != nil {
		return err
	}
	return tx.Commit()
}
