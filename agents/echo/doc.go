// Package echo is the smallest agent: it streams a text back word by word and
// returns it. It is there to try a server, a client or a network.
//
// Its rules: the white space between words is kept; what is streamed, put together,
// is the text.
//
// Failures: a text over MaxText bytes is refused with reeve.CodeTooLarge, broken
// UTF-8 with reeve.CodeInvalid.
package echo
