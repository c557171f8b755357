// Package tree is a run as a person looks at it: the agents and steps of its log as a tree, each
// with its state and its time, drawn to lines that fit a terminal.
//
// Its rules: the tree is made of entries alone, in any number and in their order; what a server
// says of the moment (Live) only adds what no entry has told yet. Nothing here reads a clock or a
// terminal: the time and the room come with each call. Text from agents is shown without its control
// characters.
//
// A kind of entry that is not known, or whose data cannot be read, is passed over: a tree is for
// looking at, the log is the truth. A Tree belongs to one goroutine.
package tree
