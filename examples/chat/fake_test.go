package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// question is what a client of the protocol sends.
type question struct {
	Model    string    `json:"model"`
	Messages []message `json:"messages"`
	Stream   bool      `json:"stream"`

	authorization string
}

// fake is a server that speaks the protocol over a real socket. Each question is answered by the next
// part of the script, the last one for ever.
type fake struct {
	*httptest.Server
	script []func(*reply)

	mu    sync.Mutex
	asked []question
}

func serve(t *testing.T, script ...func(*reply)) *fake {
	t.Helper()
	f := &fake{script: script}
	f.Server = httptest.NewServer(http.HandlerFunc(f.handle))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) handle(w http.ResponseWriter, r *http.Request) {
	q := question{authorization: r.Header.Get("Authorization")}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" {
		http.Error(w, "not this protocol", http.StatusTeapot)
		return
	}
	f.mu.Lock()
	act := f.script[min(len(f.asked), len(f.script)-1)]
	f.asked = append(f.asked, q)
	f.mu.Unlock()
	act(&reply{w: w, r: r})
}

func (f *fake) questions() []question {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked
}

// model asks this server, with waits that suit a test.
func (f *fake) model(t *testing.T) *model {
	t.Helper()
	m, err := newModel(f.URL+"/v1/", "tiny", "secret")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	m.client, m.backoff = client, time.Millisecond
	return m
}

// reply writes one answer.
type reply struct {
	w http.ResponseWriter
	r *http.Request
}

func (r *reply) raw(text string) {
	r.w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(r.w, text)
	_ = http.NewResponseController(r.w).Flush() // a client that has gone is seen by the next read
}

func (r *reply) say(words ...string) {
	for _, word := range words {
		content, err := json.Marshal(word)
		if err != nil {
			panic(err)
		}
		r.raw(`data: {"choices":[{"index":0,"delta":{"content":` + string(content) + `}}]}` + "\n\n")
	}
}

func (r *reply) done() {
	r.raw(`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n")
	r.raw(`data: {"choices":[],"usage":{"total_tokens":3}}` + "\n\ndata: [DONE]\n\n")
}

// cut closes the socket in the middle of the body.
func (r *reply) cut() { panic(http.ErrAbortHandler) }

// hang says nothing more until the client has gone.
func (r *reply) hang() { <-r.r.Context().Done() }

func (r *reply) refuse(status int, body string) {
	r.w.WriteHeader(status)
	fmt.Fprint(r.w, body)
}

// answering is a script that says these words and ends well.
func answering(words ...string) func(*reply) {
	return func(r *reply) {
		r.say(words...)
		r.done()
	}
}
