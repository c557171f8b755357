// Package bus carries hints between the rooms of one process: this thread has grown,
// some thread can be claimed. Losing a hint costs latency, never correctness, because
// whoever gets hints also looks by himself once a second.
//
// # Rules
//
// Publish comes after the commit, never inside it. A hint may carry the entries
// themselves, so that ten thousand followers do not read one row each; they are shared
// by all of them and must not be changed. A follower takes them only when the first is
// its position + 1, and reads otherwise.
//
// A subscriber's function is called on the publisher's goroutine. It must not block: it
// leaves a note (a flag, a bounded queue, a send with a default) and returns. Calls of
// one subscription come one at a time.
//
// # Cancelling
//
// When cancel returns, the function is not running and is never called again: each
// subscription has a mutex that is held around its call, and cancel takes it to close the
// subscription. Three things follow. The function must not call its own cancel, nor
// publish on its own thread: both would wait for themselves. And nobody may call cancel
// with a lock held that the function takes. Subscribing from within the function is
// allowed, and so is cancelling another subscription, unless that one's function cancels
// this one.
//
// # Cost
//
// Threads are spread over shards, each with a lock that is held for a map access and
// never around a call. A thread without subscribers costs Publish a hash and a lookup
// and no memory.
//
// The bus owns no goroutine and has nothing to close.
package bus
