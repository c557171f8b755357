package server

import (
	"net"
	"net/http"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/internal/auth"
)

// errOpen refuses what would let anybody in who can reach the machine.
func errOpen(addr string) error {
	return reeve.Errorf(reeve.CodeInvalid,
		"%s can be reached from other machines and nobody is asked who he is: give a token file (reeve token new makes a line), or listen on 127.0.0.1", addr)
}

// mayListenOpen says whether a server that asks for no token may listen there.
func mayListenOpen(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return reeve.Errorf(reeve.CodeInvalid, "address %q: want HOST:PORT: %w", addr, err)
	}
	if host == "localhost" || isLoopback(host) {
		return nil
	}
	return errOpen(addr)
}

func isLoopback(host string) bool {
	host, _, _ = strings.Cut(host, "%") // a zone
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// local says whether only this machine can reach the address that a listener has.
func local(addr net.Addr) bool {
	switch a := addr.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

// authenticator is who may come in.
func (c *Config) authenticator() (Authenticator, error) {
	switch {
	case c.Authenticate != nil:
		return c.Authenticate, nil
	case c.TokenFile != "":
		file, err := auth.OpenFile(c.TokenFile, c.Logger)
		if err != nil {
			return nil, err
		}
		return file.Authenticate, nil
	}
	return loopbackOnly, nil
}

// loopbackOnly takes requests that came in on loopback for the machine's user. A program that
// mounts the handler listens where it wants, so the connection itself is looked at.
func loopbackOnly(r *http.Request) (Principal, error) {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok || !local(addr) {
		return Principal{}, reeve.Errorf(reeve.CodeUnauthenticated,
			"this server asks for no token and so takes requests on loopback only: its operator can give it a token file or an Authenticate")
	}
	return auth.Local, nil
}
