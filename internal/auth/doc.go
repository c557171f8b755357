// Package auth says who asks: it turns a request into a Principal, an owner and
// whether he is an operator.
//
// Its rules: a token is never kept, only its SHA-256; comparing takes the same time
// whoever asks; a token is read from the Authorization header alone, never from the
// URL, where logs and histories would keep it.
//
// # Failure
//
// A request without a token, or with one that is not known, gets CodeUnauthenticated. A token
// file that cannot be read or has a broken line stops the start of a server. When it
// breaks later, the tokens of the last good reading stay in force and the log says which
// line is wrong: a slip of the editor must not lock everybody out.
package auth
