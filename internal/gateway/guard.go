package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/reeve-run/reeve"
)

// guard stands before every route: no web page of another origin may change anything here, nor
// reach a server on loopback by a name of its own.
func (g *Gateway) guard(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		g.boundBody(w, r)
		if g.Loopback && !loopbackHost(r.Host) {
			g.metrics.answered("none", http.StatusForbidden)
			g.refuse(w, r, reeve.Errorf(reeve.CodeForbidden,
				"host %q: this server listens on loopback, call it localhost or 127.0.0.1", r.Host))
			return
		}
		if err := cross.Check(r); err != nil {
			g.metrics.answered("none", http.StatusForbidden)
			g.refuse(w, r, reeve.Errorf(reeve.CodeForbidden, "a page of another origin may not do this: %w", err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secure sets the headers that cost nothing and close a door.
func secure(h http.Header) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
}

// loopbackHost says whether a Host header names this machine's loopback: a foreign name that was
// made to point to 127.0.0.1 does not.
func loopbackHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}
