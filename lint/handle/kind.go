package handle

import (
	"go/types"
	"strings"
)

// Kind is what a type is to a database session.
type Kind int

// The kinds. A Tx or Conn is a session: it is taken from a Pool, has one owner and must be ended.
const (
	None Kind = iota
	Pool      // hands out sessions; lives as long as the program
	Conn      // one connection taken from a pool
	Tx        // a transaction
	Rows      // an open result; it keeps its session busy
	Row       // a single result; Scan ends it
	Stmt      // a prepared statement
)

var words = map[Kind]string{Pool: "pool", Conn: "connection", Tx: "transaction", Rows: "rows", Row: "row", Stmt: "statement"}

// String is the kind as people say it.
func (k Kind) String() string { return words[k] }

// Session says whether the kind is a session: short-lived, with one owner.
func (k Kind) Session() bool { return k == Conn || k == Tx }

// Alike says whether a handle of one kind may be a struct around one of the other.
func (k Kind) Alike(other Kind) bool {
	return k != None && (k == other || k.Session() && other.Session() || k.Result() && other.Result())
}

// Result says whether the kind is an open result.
func (k Kind) Result() bool { return k == Rows || k == Row }

var kinds = map[string]Kind{
	"database/sql.DB": Pool, "database/sql.Conn": Conn, "database/sql.Tx": Tx,
	"database/sql.Rows": Rows, "database/sql.Row": Row, "database/sql.Stmt": Stmt,
	"github.com/jackc/pgx.Tx": Tx, "github.com/jackc/pgx.Rows": Rows, "github.com/jackc/pgx.Row": Row,
	"github.com/jackc/pgx.BatchResults": Rows, "github.com/jackc/pgx/pgxpool.Pool": Pool,
	"github.com/jackc/pgx/pgxpool.Conn": Conn, "github.com/jackc/pgx/pgxpool.Tx": Tx,
	"github.com/jmoiron/sqlx.DB": Pool, "github.com/jmoiron/sqlx.Conn": Conn, "github.com/jmoiron/sqlx.Tx": Tx,
	"github.com/jmoiron/sqlx.Rows": Rows, "github.com/jmoiron/sqlx.Row": Row, "github.com/jmoiron/sqlx.Stmt": Stmt,
}

// Of is the kind of a type, or of what it points to.
func Of(t types.Type) Kind {
	named, ok := Named(t)
	if !ok {
		return None
	}
	return kinds[Path(named)]
}

// Named is the named type of t, or of what it points to.
func Named(t types.Type) (*types.Named, bool) {
	if t == nil {
		return nil, false
	}
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	return n, ok
}

// Path is a type's package path without its major version, a dot, and its name.
func Path(n *types.Named) string {
	obj := n.Obj()
	if obj.Pkg() == nil {
		return obj.Name()
	}
	return Unversioned(obj.Pkg().Path()) + "." + obj.Name()
}

// Unversioned takes the major version out of an import path, and a vendor folder before it.
func Unversioned(path string) string {
	if _, after, ok := strings.Cut(path, "/vendor/"); ok {
		path = after
	}
	for _, v := range []string{"/v3", "/v4", "/v5", "/v6"} {
		if base, rest, ok := strings.Cut(path, v); ok && (rest == "" || rest[0] == '/') {
			return base + rest
		}
	}
	return path
}

// Show is a type as a user writes it: *sql.Tx, pgx.Tx.
func Show(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string { return p.Name() })
}

// libraries are where handles come from.
var libraries = []string{"database/sql", "github.com/jackc/pgx", "github.com/jmoiron/sqlx", "gorm.io/gorm", "github.com/jinzhu/gorm"}

// Library says whether the import path is of a database library that is known by heart.
func Library(path string) bool {
	path = Unversioned(path)
	for _, l := range libraries {
		if path == l || strings.HasPrefix(path, l+"/") {
			return true
		}
	}
	return false
}

// Like is Of, and also knows types that are shaped like a transaction: Commit and
// Rollback, each giving an error and taking nothing but a context.
func Like(t types.Type) Kind {
	if k := Of(t); k != None {
		return k
	}
	named, ok := Named(t)
	if !ok || named.Obj().Pkg() == nil || !usesLibrary(named.Obj().Pkg()) {
		return None
	}
	for _, name := range []string{"Commit", "Rollback"} {
		obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(named), true, named.Obj().Pkg(), name)
		if types.IsInterface(named) {
			obj, _, _ = types.LookupFieldOrMethod(named, true, named.Obj().Pkg(), name)
		}
		if fn, ok := obj.(*types.Func); !ok || !endsShape(fn.Signature()) {
			return None
		}
	}
	return Tx
}

// BeginsAgain says whether a session of the type is used for one transaction after the
// other: its Begin gives nothing but an error, as xorm's does.
func BeginsAgain(t types.Type) bool {
	obj, _, _ := types.LookupFieldOrMethod(t, true, nil, "Begin")
	fn, ok := obj.(*types.Func)
	return ok && fn.Signature().Results().Len() == 1 && fn.Signature().Results().At(0).Type().String() == "error"
}

func usesLibrary(p *types.Package) bool {
	if Library(p.Path()) {
		return false // what it has is known by name
	}
	for _, i := range p.Imports() {
		if Library(i.Path()) {
			return true
		}
	}
	return false
}

func endsShape(sig *types.Signature) bool {
	if sig.Results().Len() != 1 || sig.Results().At(0).Type().String() != "error" || sig.Params().Len() > 1 {
		return false
	}
	return sig.Params().Len() == 0 || sig.Params().At(0).Type().String() == "context.Context"
}
