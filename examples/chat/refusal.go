package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/reeve-run/reeve/agent"
)

// refusal is what the protocol puts beside a status that is not 200.
type refusal struct {
	Message string `json:"message"`
}

// busyError is a refusal that is about now, not about the question.
type busyError struct {
	error
	after time.Duration // how long the server asks to be left alone
}

// refused is the error of an answer that is none: final, unless the same question may do better later.
func refused(res *http.Response) error {
	page, err := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	if err != nil {
		return fmt.Errorf("read the refusal %s: %w", res.Status, err)
	}
	err = fmt.Errorf("the model's server says %s: %s", res.Status, words(page))
	if passing(res.StatusCode) {
		return &busyError{err, retryAfter(res.Header, time.Now())}
	}
	return agent.Permanent(err)
}

// words is what a refusal says to people.
func words(page []byte) string {
	var body struct {
		Error refusal `json:"error"`
	}
	_ = json.Unmarshal(page, &body) // a proxy's page is not JSON, and is shown as it is
	return cmp.Or(body.Error.Message, strings.TrimSpace(string(page)), "no reason given")
}

// passing says whether a status is about now, not about the question.
func passing(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}

// retryAfter is how long the server asks to be left alone: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// rest waits. The wait between tries, which comes on top, is the step's own.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
