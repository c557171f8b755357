// Command reeve serves the agents that ship with it, and is the client of every server.
// All of it is package cli; an author's own program has the same commands over its own agents.
package main
