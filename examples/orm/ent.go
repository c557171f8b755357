package orm

import (
	"context"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/reeve-run/reeve/session/sessionsql"
)

// Ent is a driver over one unit, for the option ent.Driver of a generated client. The
// client is as short-lived as the unit.
func Ent(tx *sessionsql.Tx) dialect.Driver {
	return entUnit{entsql.NewDriver(dialect.Postgres, entsql.Conn{ExecQuerier: tx})}
}

// entUnit lets ent begin what it calls a transaction, around a create with edges, say:
// the unit is the transaction, and Do ends it.
type entUnit struct{ dialect.Driver }

func (u entUnit) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(u), nil }
