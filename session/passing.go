package session

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// The guard itself, and who calls it in this house. Their own tests are authors.
const (
	itself = "github.com/reeve-run/reeve/session"
	agents = "github.com/reeve-run/reeve/agent"
)

// passing are the packages whose frames stand between the author's line and
// the guard and tell him nothing.
var passing = func() *atomic.Pointer[[]string] {
	p := &atomic.Pointer[[]string]{}
	p.Store(&[]string{
		itself, agents, "database/sql.", "runtime.",
		"github.com/jackc/pgx/", "github.com/jackc/puddle/", "github.com/jmoiron/sqlx.", "gorm.io/gorm", "gorm.io/driver/",
		"github.com/uptrace/bun", "entgo.io/ent/", "xorm.io/xorm", "github.com/go-gorp/gorp", "github.com/doug-martin/goqu",
		"github.com/Masterminds/squirrel.", "github.com/georgysavva/scany", "github.com/aarondl/sqlboiler", "github.com/volatiletech/sqlboiler",
	})
	return p
}()

// PassThrough names packages that are on the way to the database and no answer to
// "where was it opened": a team's own data layer, a library. Errors, logs and lists then
// name the line that called it. The names are beginnings of functions' full names, such
// as "example.com/app/internal/db.". What libraries reeve knows stands in the list
// already. Call it before the first unit is opened.
func PassThrough(prefixes ...string) {
	all := append([]string(nil), *passing.Load()...)
	all = append(all, prefixes...)
	passing.Store(&all)
	authors.Clear()
}

func ours(f runtime.Frame) bool {
	test := strings.HasSuffix(f.File, "_test.go")
	return slices.ContainsFunc(*passing.Load(), func(p string) bool {
		exempt := test && (p == itself || p == agents)
		return !exempt && strings.HasPrefix(f.Function, p)
	})
}

// authors remembers what foreign has found out: a program has few places that open units.
var authors sync.Map // uintptr to bool

// foreign says whether the call at pc is the author's, not the guard's.
func foreign(pc uintptr) bool {
	if is, ok := authors.Load(pc); ok {
		return is.(bool)
	}
	is := foreignFrames(pc)
	authors.Store(pc, is)
	return is
}

func foreignFrames(pc uintptr) bool {
	frames := runtime.CallersFrames([]uintptr{pc})
	for {
		f, more := frames.Next()
		if !ours(f) {
			return true
		}
		if !more {
			return false
		}
	}
}
