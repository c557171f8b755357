package main

import "github.com/reeve-run/reeve/cli"

func main() { cli.Main() }
