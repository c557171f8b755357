package orm

import (
	"context"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/reeve-run/reeve/session/sessionsql"
)

// Gorm makes a gorm handle for one unit. It is as short-lived as the unit.
func Gorm(ctx context.Context, tx *sessionsql.Tx) (*gorm.DB, error) {
	db, err := gorm.Open(postgres.New(postgres.Config{Conn: tx}), &gorm.Config{
		SkipDefaultTransaction: true, // the unit is the transaction
		DisableAutomaticPing:   true,
	})
	if err != nil {
		return nil, err
	}
	return db.WithContext(ctx), nil
}
