package main

import (
	"os"

	"github.com/reeve-run/reeve/agents"
	"github.com/reeve-run/reeve/cli"
	"github.com/reeve-run/reeve/lint"
)

func main() {
	// As the tool of go vet: go vet -vettool=$(which reeve) ./...
	if lint.RanByVet(os.Args[1:]) {
		lint.VetTool()
	}
	cli.MainWithRoots(agents.All)
}
