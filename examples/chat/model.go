package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/reeve-run/reeve/agent"
	"github.com/reeve-run/reeve/session"
)

// Bounds of what a server may send.
const (
	maxAnswer  = 1 << 20 // bytes of text
	maxRefusal = 4 << 10 // bytes of an error page that are read
)

// model asks one model of one server. It is safe for concurrent use.
type model struct {
	endpoint string
	name     string
	key      string
	client   *http.Client

	silence  time.Duration // for the first byte, and then for each next one
	tries    int
	backoff  time.Duration // before the second try, doubled after that
	patience time.Duration // the longest Retry-After that is waited for
}

// newModel checks what the environment says.
func newModel(base, name, key string) (*model, error) {
	u, err := url.Parse(base)
	if base == "" || err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("OPENAI_BASE_URL is %q: want the URL before /chat/completions, such as http://127.0.0.1:11434/v1", base)
	}
	if name == "" {
		return nil, errors.New("OPENAI_MODEL is not set: want the name of a model that the server has")
	}
	return &model{
		endpoint: u.JoinPath("chat", "completions").String(), name: name, key: key,
		client:  &http.Client{},
		silence: time.Minute, tries: 5, backoff: time.Second, patience: time.Minute,
	}, nil
}

// message is one turn as the protocol has it.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// answer asks the model and streams what it says to whoever follows the run.
func (m *model) answer(ctx context.Context, conversation []message) (string, error) {
	// A session that is open now would stay open for as long as the model thinks.
	if err := session.Check(ctx, "model "+m.name); err != nil {
		return "", err
	}
	text, err := m.listen(ctx, conversation)
	if busy, ok := errors.AsType[*busyError](err); ok {
		rest(ctx, min(busy.after, m.patience))
	}
	return text, err
}

// listen is stream with an end to silence.
func (m *model) listen(ctx context.Context, conversation []message) (string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(m.silence, func() { cancel(fmt.Errorf("the model has been silent for %s", m.silence)) })
	defer quiet.Stop()
	text, err := m.stream(ctx, conversation, func() {
		quiet.Reset(m.silence)
		agent.Beat(ctx)
	})
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return text, err
}

// stream sends the question and gathers the answer; heard is called for every line that arrives.
func (m *model) stream(ctx context.Context, conversation []message, heard func()) (string, error) {
	res, err := m.post(ctx, conversation)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", refused(res)
	}
	heard()
	var text strings.Builder
	for data, err := range events(res.Body, heard) {
		if err != nil {
			return "", fmt.Errorf("the answer broke off after %d bytes: %w", text.Len(), err)
		}
		if data == "[DONE]" {
			return text.String(), nil
		}
		delta, err := readChunk(data)
		if err != nil {
			return "", err
		}
		if text.Len()+len(delta) > maxAnswer {
			return "", agent.Permanent(fmt.Errorf("the answer is longer than %d bytes", maxAnswer))
		}
		text.WriteString(delta)
		if err := agent.Emit(ctx, delta); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("the answer broke off after %d bytes: %w", text.Len(), io.ErrUnexpectedEOF)
}

func (m *model) post(ctx context.Context, conversation []message) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{"model": m.name, "messages": conversation, "stream": true})
	if err != nil {
		return nil, fmt.Errorf("write the question: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.endpoint, bytes.NewReader(body)) //nolint:gosec // the operator says where to
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	if m.key != "" {
		req.Header.Set("Authorization", "Bearer "+m.key)
	}
	return m.client.Do(req) //nolint:gosec // likewise
}

// chunk is a piece of an answer.
type chunk struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Error *refusal `json:"error"`
}

// readChunk is the text of a piece. A chunk without choices (usage, for example) has none.
func readChunk(data string) (string, error) {
	var c chunk
	if err := json.Unmarshal([]byte(data), &c); err != nil {
		return "", fmt.Errorf("the model's server sent a chunk that is not JSON: %w", err)
	}
	if c.Error != nil {
		return "", fmt.Errorf("the model's server gave up: %s", c.Error.Message)
	}
	if len(c.Choices) == 0 {
		return "", nil
	}
	if c.Choices[0].FinishReason == "content_filter" {
		return "", agent.Permanent(errors.New("the model's server withheld the answer (content_filter)"))
	}
	return c.Choices[0].Delta.Content, nil
}
