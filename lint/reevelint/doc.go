// Command reevelint runs lint's rules for Go inside go vet, for projects that do not
// have the reeve command:
//
//	go install github.com/reeve-run/reeve/lint/reevelint@latest
//	go vet -vettool=$(which reevelint) ./...
//
// Its rules and failures are those of go vet. What a comment allows is not printed.
package main
