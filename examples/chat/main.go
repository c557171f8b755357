package main

import (
	"fmt"
	"os"

	"github.com/reeve-run/reeve/cli"
)

func main() {
	m, err := newModel(os.Getenv("OPENAI_BASE_URL"), os.Getenv("OPENAI_MODEL"), os.Getenv("OPENAI_API_KEY"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "chat: %v\n", err)
		os.Exit(2)
	}
	cli.Main(m.chat())
}
