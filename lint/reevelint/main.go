package main

import (
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/reeve-run/reeve/lint"
)

func main() { unitchecker.Main(lint.VetAnalyzers()...) }
