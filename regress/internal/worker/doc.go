// Worker is a reeve server with one agent that can be killed: the crash tests build it and run it
// as a process of its own.
//
// The agent "steps" takes {dir, steps, ms}. Each of its steps works for that long and then writes
// a line to a file of its own in the folder, named by run and path, with the fence it ran under. What a
// later process does again stands there as a second line, with a higher fence.
package main
