package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/reeve-run/reeve"
)

// Agent is a function under a name. It is made once, is safe for concurrent use,
// and holds no state of a run.
type Agent[In, Out any] struct {
	name    string
	version string
	fn      func(Context, In) (Out, error)
}

// New makes an agent. The name must be a legal one (reeve.CheckName) and unique within a
// server; both are checked when the server starts. In and Out are read and written as JSON.
func New[In, Out any](name string, fn func(Context, In) (Out, error), opts ...Option) *Agent[In, Out] {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return &Agent[In, Out]{name: name, version: o.version, fn: fn}
}

// Name is the agent's name.
func (a *Agent[In, Out]) Name() string { return a.name }

// Version is what Version gave it, or "".
func (a *Agent[In, Out]) Version() string { return a.version }

// run decodes the input, runs the function, and encodes the result. It satisfies Runnable.
// A field that In does not have is passed over: the log may be older than the code.
func (a *Agent[In, Out]) run(ctx Context, raw []byte) ([]byte, error) {
	var in In
	if err := json.Unmarshal(orNull(raw), &in); err != nil {
		return nil, a.unfit(err)
	}
	out, err := a.fn(ctx, in)
	if err != nil {
		return nil, err
	}
	return encode("result of agent "+a.name, out)
}

// check decodes strictly: of a new run, a misspelt field is said, not ignored. It satisfies Runnable.
func (a *Agent[In, Out]) check(raw []byte) error {
	var in In
	dec := json.NewDecoder(bytes.NewReader(orNull(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return a.unfit(err)
	}
	return nil
}

func (a *Agent[In, Out]) unfit(err error) error {
	return &reeve.Error{Code: reeve.CodeInvalid, Message: "input of agent " + a.name + ": " + plain(err), Err: err}
}

// plain says what is wrong with JSON in words of JSON: a client does not know the agent's types.
func plain(err error) string {
	e, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return strings.TrimPrefix(err.Error(), "json: ")
	}
	where := "it"
	if e.Field != "" {
		where = strconv.Quote(e.Field)
	}
	is := "a " + e.Value
	if e.Value == "array" || e.Value == "object" {
		is = "an " + e.Value
	}
	return fmt.Sprintf("%s is %s, want %s", where, is, jsonKind(e.Type))
}

// jsonKind is what a Go type is written as.
func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Pointer:
		return jsonKind(t.Elem())
	}
	if t.Kind() >= reflect.Int && t.Kind() <= reflect.Uintptr {
		return "a whole number in range"
	}
	return t.String()
}

func orNull(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte("null")
	}
	return raw
}

// encode writes v as JSON; what says whose value it is. A value that is not JSON
// (NaN, a cycle, a channel) is CodeNotJSON.
func encode(what string, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, reeve.Errorf(reeve.CodeNotJSON, "%s cannot be written as JSON: %w", what, err)
	}
	return b, nil
}

// decode reads what the log has into T. It fails when the author has changed T since.
func decode[T any](what string, raw []byte) (T, error) {
	var v T
	if len(raw) == 0 {
		return v, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, reeve.Errorf(reeve.CodeDiverged, "%s: the log's value does not fit %T: %w", what, v, err)
	}
	return v, nil
}

// options is what Option sets.
type options struct{ version string }

// Option is an option of New.
type Option func(*options)

// Version names the version of the agent's code, for people and for claims.
func Version(v string) Option { return func(o *options) { o.version = v } }

var _ Runnable = (*Agent[int, int])(nil)

func quotePath(path string) string {
	if path == "" {
		return "of the run's agent"
	}
	return fmt.Sprintf("%q", path)
}
