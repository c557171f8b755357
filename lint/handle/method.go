package handle

import (
	"go/types"
	"slices"
	"strings"
)

// Ends says whether calling the method on a handle of the kind ends it.
func Ends(k Kind, method string) bool { return slices.Contains(enders[k], method) }

var enders = map[Kind][]string{
	Conn: {"Close", "Release", "Hijack"},
	Tx:   {"Commit", "Rollback"},
	Rows: {"Close"},
	Row:  {"Scan", "StructScan", "MapScan", "SliceScan", "Err"},
	Stmt: {"Close"},
}

// Opens says whether a method of a pool or session takes a session.
func Opens(method string) bool { return slices.Contains(openers, method) }

var openers = []string{
	"Begin", "BeginTx", "Beginx", "BeginTxx", "MustBegin", "MustBeginTx", "Conn", "Connx",
	"Acquire",
}

// Queries says whether a method of a pool or session sends a statement.
func Queries(method string) bool { return slices.Contains(statements, method) }

var statements = []string{
	"Exec", "ExecContext", "Query", "QueryContext", "QueryRow", "QueryRowContext", "Prepare", "PrepareContext",
	"Queryx", "QueryxContext", "QueryRowx", "QueryRowxContext", "NamedExec", "NamedExecContext", "NamedQuery",
	"MustExec", "MustExecContext", "Get", "GetContext", "Select", "SelectContext", "Preparex", "PreparexContext",
	"SendBatch", "CopyFrom", "PrepareNamed", "PrepareNamedContext",
}

// Sends is Queries for a handle of a type: gorm has words of its own.
func Sends(t types.Type, method string) bool {
	return Queries(method) || GormDB(t) && slices.Contains(gormStatements, method)
}

var gormStatements = []string{
	"Create", "CreateInBatches", "Save", "First", "Take", "Last", "Find", "FindInBatches", "FirstOrCreate", "Update", "Updates",
	"UpdateColumn", "UpdateColumns", "Delete", "Count", "Row", "Rows", "Scan", "Pluck",
}

// Source says whether the type hands out sessions or results: a pool or a session.
func Source(t types.Type) bool {
	k := Like(t)
	return k == Pool || k.Session() || GormDB(t) || pgxConn(t)
}

func pgxConn(t types.Type) bool {
	n, ok := Named(t)
	return ok && Path(n) == "github.com/jackc/pgx.Conn"
}

// Pgx says whether the type is one of pgx's.
func Pgx(t types.Type) bool {
	n, ok := Named(t)
	return ok && strings.HasPrefix(Path(n), "github.com/jackc/pgx")
}

// GormDB says whether the type is gorm's DB, which is pool and session in one.
func GormDB(t types.Type) bool {
	n, ok := Named(t)
	return ok && (Path(n) == "gorm.io/gorm.DB" || Path(n) == "github.com/jinzhu/gorm.DB")
}

// Runner says whether a function, by its full name, runs a literal inside a
// transaction of its own and ends that itself.
func Runner(name string) bool { return slices.Contains(runners, name) }

var runners = []string{
	"gorm.io/gorm.DB.Transaction", "github.com/jinzhu/gorm.DB.Transaction",
	"github.com/jackc/pgx.BeginFunc", "github.com/jackc/pgx.BeginTxFunc", "github.com/jackc/pgx/pgxpool.Pool.AcquireFunc",
}
