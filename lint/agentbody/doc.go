// Package agentbody is the analyzer of that name: it finds, in the bodies of reeve's
// agents, what replay would repeat or change: the clock, random numbers, goroutines
// and network calls outside a step, and outside work in a defer.
//
// Its rules: the functions given to agent.Step and its like are not the body.
//
// Failures: none.
package agentbody
