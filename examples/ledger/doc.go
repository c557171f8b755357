// Ledger moves money between accounts in its own SQLite file, exactly once.
//
//	export LEDGER_DB=/tmp/ledger.db
//	go run ./examples/ledger run deposit --input '{"account":"ann","cents":1000}'
//	go run ./examples/ledger run transfer --input '{"from":"ann","to":"bob","cents":250}'
//
// Money and log are in different databases, and the process may die between the commits of the two.
// agent.Tx closes that gap: the result of the function is stored beside the money, in the same
// transaction, under a key that is the same after every crash. Whoever runs it again
// finds the result instead of moving the money a second time.
package main
