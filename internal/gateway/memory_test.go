package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// maxIdle is the budget of an idle socket in bytes. Both ends of the connection are in this process, so
// that what is measured here is a little more than what the server holds.
const maxIdle = 16_000

// TestIdleSocketMemory opens many sockets that only listen and looks at what the process holds for
// each. REEVE_TEST_SOCKETS sets how many.
func TestIdleSocketMemory(t *testing.T) {
	many := 1000
	if n, err := strconv.Atoi(os.Getenv("REEVE_TEST_SOCKETS")); err == nil {
		many = n
	}
	w := newWorld(t)
	idle := newIdlers(t, strings.TrimPrefix(w.server.URL, "http://"))
	idle.open(50) // what is made once
	before, rss := settledMemory(), resident()
	idle.open(many)
	each := int64(settledMemory()-before) / int64(many)
	t.Logf("an idle socket: %d bytes of heap and stacks, %d bytes resident", each, (resident()-rss)/int64(many))
	if each > maxIdle {
		t.Errorf("an idle socket takes %d bytes: the budget is %d", each, maxIdle)
	}
	if n := w.gate.open(); n != many+50 {
		t.Errorf("%d sockets are open, want %d", n, many+50)
	}
}

// idlers are clients that shake hands and then say nothing.
type idlers struct {
	t    *testing.T
	addr string
	buf  *bufio.Reader
	all  []net.Conn
}

func newIdlers(t *testing.T, addr string) *idlers {
	i := &idlers{t: t, addr: addr, buf: bufio.NewReaderSize(nil, 64<<10)}
	t.Cleanup(func() {
		for _, c := range i.all {
			_ = c.Close()
		}
	})
	return i
}

func (i *idlers) open(n int) {
	i.t.Helper()
	for range n {
		c, err := net.Dial("tcp", i.addr)
		if err != nil {
			i.t.Fatal(err)
		}
		i.all = append(i.all, c)
		_ = c.SetDeadline(time.Now().Add(hang))
		fmt.Fprintf(c, "GET /v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", i.addr)
		i.buf.Reset(c)
		res, err := http.ReadResponse(i.buf, nil)
		if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
			i.t.Fatalf("handshake: %v %v", res, err)
		}
		if head, err := i.buf.ReadByte(); err != nil || head != 0x81 {
			i.t.Fatalf("no hello: %x %v", head, err)
		}
		_, _ = io.CopyN(io.Discard, i.buf, int64(i.buf.Buffered()))
		_ = c.SetDeadline(time.Time{})
	}
}

// settledMemory is what the process holds in heap and stacks when garbage is gone and stacks have shrunk.
func settledMemory() uint64 {
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// resident is the process's resident memory in bytes, 0 where it cannot be read.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
