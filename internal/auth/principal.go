package auth

import (
	"net/http"
	"strings"

	"github.com/reeve-run/reeve"
)

// Principal is who asks. Threads belong to owners; an operator sees those of every owner.
type Principal struct {
	Owner    string
	Operator bool
}

// Authenticator finds who made a request. It may be called from several goroutines. An
// error with CodeUnauthenticated means that nobody is known by it; a server then answers 401.
type Authenticator func(*http.Request) (Principal, error)

// Local is the principal of a server on loopback that asks for no token.
var Local = Principal{Owner: "local", Operator: true}

// Loopback takes every request for that of the machine's user, token or not. It is for servers
// that listen on loopback only.
func Loopback() Authenticator {
	return func(*http.Request) (Principal, error) { return Local, nil }
}

// Bearer reads the token of a request, "" when it has none.
func Bearer(r *http.Request) string {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// Missing is the answer to a request that brings no token.
func Missing() error {
	return reeve.Errorf(reeve.CodeUnauthenticated, "a token is needed: send Authorization: Bearer TOKEN")
}

// Unknown is the answer to a token that nobody has.
func Unknown() error {
	return reeve.Errorf(reeve.CodeUnauthenticated, "the token is not known here")
}
