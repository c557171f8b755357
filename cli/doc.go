// Package cli is the reeve command, as a package: an author's own program calls Main with its
// agents and has every command.
//
// # Rules
//
//   - What was asked for goes to stdout; progress and logs go to stderr. With --json
//     stdout carries JSON and nothing else.
//   - A setting comes from its default, then the file of --config, then the environment (REEVE_ADDR for
//     --addr, and so on), then the flag. A key that no flag has is an error.
//   - The exit status is 0 for yes (completed, healthy, nothing found), 1 for no, 2 for wrong use or what
//     cannot start, 3 for a run that was cancelled, 130 after Ctrl-C.
//   - A command talks to a server through package client only, also to the one that run starts in its
//     own process: what works here works from afar.
//
// # Failure
//
// A command returns its error, and Run prints it once, with what to do about it. The first SIGINT or
// SIGTERM ends a command in order (a server drains, a run is cancelled); the second ends it at once.
package cli
