package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// raw opens a socket whose frames the test writes byte by byte, and reads the hello.
func (w *world) raw() (net.Conn, *bufio.Reader) {
	w.Helper()
	host := strings.TrimPrefix(w.server.URL, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(hang))
	_, err = fmt.Fprintf(conn, "GET /v1/ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", host)
	if err != nil {
		w.Fatal(err)
	}
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		w.Fatalf("upgrade: %v, %v", res, err)
	}
	if op, _ := readFrame(w, r); op != 1 {
		w.Fatalf("the first frame has opcode %d, want the hello", op)
	}
	return conn, r
}

// readFrame reads one unmasked frame of less than 64 KiB.
func readFrame(w *world, r io.Reader) (opcode byte, payload []byte) {
	w.Helper()
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		w.Fatalf("no frame: %v", err)
	}
	n := uint16(head[1])
	if n == 126 {
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			w.Fatal(err)
		}
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		w.Fatal(err)
	}
	return head[0] & 15, payload
}

// A header that no honest client writes ends its own socket, and never the process.
func TestHostileFrameHeaders(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		header []byte
		code   wire.CloseCode
	}{
		"length 2^64-1":  {append([]byte{0x81, 0xff}, bytes.Repeat([]byte{0xff}, 8)...), wire.CloseProtocol},
		"length 2^63":    {[]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0}, wire.CloseProtocol},
		"length 2^64-8":  {append([]byte{0x81, 0xff}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf8), wire.CloseProtocol},
		"first fragment": {append([]byte{0x01, 0xff}, bytes.Repeat([]byte{0xff}, 8)...), wire.CloseProtocol},
		"length 2^62":    {[]byte{0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0}, wire.CloseTooLarge},
		"unmasked":       {[]byte{0x81, 0x02, '{', '}'}, wire.CloseProtocol},
		"long ping":      {[]byte{0x89, 0xfe, 0x01, 0x00}, wire.CloseProtocol},
		"reserved bits":  {[]byte{0xf1, 0x80}, wire.CloseProtocol},
	} {
		conn, r := w.raw()
		if _, err := conn.Write(append(c.header, 1, 2, 3, 4)); err != nil {
			t.Fatal(err)
		}
		op, payload := readFrame(w, r)
		if op != 8 || len(payload) < 2 || wire.CloseCode(binary.BigEndian.Uint16(payload)) != c.code {
			t.Errorf("%s: answered by opcode %d, %x; want a close with %d", name, op, payload, c.code)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: the connection was not closed in order: %v", name, err)
		}
	}
	w.dial().send(`{"type":"ping"}`)
}

func TestBodiesAreTakenAsTheyAre(t *testing.T) {
	w := newWorld(t)
	body := map[string]any{"agent": "echo", "input": map[string]string{"text": "hi"}}
	p := want[wire.Problem](w, 415, "POST", "/v1/runs", body, "Content-Encoding", "gzip")
	if p.Code != reeve.CodeInvalid || !strings.Contains(p.Detail, "gzip") {
		t.Errorf("gzip: %+v", p)
	}
	want[reeve.Run](w, 201, "POST", "/v1/runs", body, "Content-Encoding", "identity")
}

// A body that was announced and does not come ends its request, whatever the answer to it.
func TestBodiesThatDoNotComeAreBounded(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.RequestMS = 300 })
	host := strings.TrimPrefix(w.server.URL, "http://")
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"cut":            {"POST /v1/runs HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n", 400},
		"cut in a chunk": {"POST /v1/runs HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n", 400},
		"wrong type":     {"POST /v1/runs HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n", 415},
		"no such route":  {"POST /nowhere HTTP/1.1\r\nContent-Length: 1000\r\n", 404},
		"of a GET":       {"GET /v1/runs HTTP/1.1\r\nContent-Length: 1000\r\n", 400},
		"foreign page":   {"POST /v1/runs HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 1000\r\n", 403},
		"far too large":  {"POST /v1/runs HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n", 413},
	} {
		conn, err := net.Dial("tcp", host)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(hang))
		if _, err := fmt.Fprintf(conn, "%sHost: %s\r\n\r\n8\r\n{", c.request, host); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		res, err := http.ReadResponse(r, nil)
		if err != nil || res.StatusCode != c.status {
			t.Errorf("%s: %v, %v; want %d", name, res, err, c.status)
		} else if _, err := io.Copy(io.Discard, r); err != nil {
			t.Errorf("%s: the connection was not closed: %v", name, err)
		}
		_ = conn.Close()
	}
}

// The bound is the body's alone: what is followed with a body goes on after it.
func TestABodysBoundDoesNotEndAStream(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.RequestMS = 300 })
	run := w.starts()
	ctx, cancel := context.WithTimeout(t.Context(), hang)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+"/v1/runs/"+string(run.ID)+"/events", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := w.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	lines := bufio.NewScanner(res.Body)
	lines.Scan()                             // it has begun
	<-time.After(2 * 300 * time.Millisecond) // the bound of the body has passed
	w.completes(run.ID)
	var text strings.Builder
	for lines.Scan() {
		text.WriteString(lines.Text())
	}
	if err := lines.Err(); err != nil || !strings.Contains(text.String(), "run.completed") {
		t.Errorf("the stream ended early: %v\n%s", err, text.String())
	}
}

// A cursor of another owner's run answers as one that was never there.
func TestCursorsTellNothingOfOthers(t *testing.T) {
	w, anna, berta, operator := tokens(t)
	w.token = anna
	run := w.starts()
	ask := func(token string, run reeve.RunID) (int, string) {
		w.token = token
		res, body := w.ask("GET", "/v1/runs?cursor="+string(run), nil)
		return res.StatusCode, strings.ReplaceAll(string(body), string(run), "RUN")
	}
	status, foreign := ask(berta, run.ID)
	if other, none := ask(berta, "none.1"); status != 400 || other != status || none != foreign {
		t.Errorf("another's run: %d %s\none that is not there: %d %s", status, foreign, other, none)
	}
	for _, token := range []string{anna, operator} {
		if status, body := ask(token, run.ID); status != 200 {
			t.Errorf("one's own run: %d %s", status, body)
		}
	}
}
