// Package sessionstored is the analyzer of that name: it finds sessions stored in
// something older than themselves (a field, a map, a channel, a package variable), and
// sessions that leave their function inside a value although it ends them.
//
// Its rules: a struct that ends the session itself, or that was made after it and
// stays, may hold it. A function that stores a parameter in another parameter is
// judged where it is called. A field that is set again in the same function is lent.
//
// Failures: none; where the age of the holder is not known it is silent.
package sessionstored
