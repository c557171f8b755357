package main

import (
	"github.com/reeve-run/reeve/agents"
	"github.com/reeve-run/reeve/cli"
)

func main() { cli.MainWithRoots(agents.All) }
