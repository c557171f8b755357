// Package agents gathers the agents that ship with reeve: echo, sleep and review.
//
// Its rules: each agent is a package of its own, written on package agent alone, so
// that it is also an example of how agents are written. All gives them to
// a server or a command.
//
// Failures are the agents' own; making them cannot fail.
package agents
