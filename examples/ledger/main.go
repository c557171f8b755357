package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/reeve-run/reeve/cli"
	"github.com/reeve-run/reeve/session/sessionsql"
)

func main() {
	file := cmp.Or(os.Getenv("LEDGER_DB"), "ledger.db")
	db, err := open(context.Background(), file)
	if err != nil {
		fmt.Fprintf(os.Stderr, "ledger: open %s: %v (LEDGER_DB names the file)\n", file, err)
		os.Exit(2)
	}
	// Main ends the process, and with it the file is closed: every commit is on disk by then.
	l := ledger{pool: sessionsql.Pool(db)}
	cli.Main(l.deposit(), l.transfer())
}
