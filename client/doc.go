// Package client is the Go client of a reeve server: it starts runs, follows them, steers them,
// and reads what has been, over HTTP and server-sent events.
//
//	c, err := client.New("http://127.0.0.1:8000")
//	run, err := c.Start(ctx, client.Start{Agent: "echo", Input: json.RawMessage(`{"text":"hi"}`)})
//	for entry, err := range c.Follow(ctx, client.From{Run: run.ID}) {
//		…
//	}
//
// A Client is safe for concurrent use and has no goroutines of its own.
//
// # Failure
//
// Every error has a code (reeve.CodeOf): the server's own, or CodeUnavailable when the server
// cannot be reached. Requests are not sent again by themselves, because only the caller
// knows whether that is safe: give Start a Key, and it is. Follow reads, so it does come
// back by itself, at the position where it was; what it yields has no hole and no repeat. A
// position that the server cannot serve any more ends it with a *wire.ResetError.
package client
