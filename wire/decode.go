package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/reeve-run/reeve"
)

// MaxDepth is how deep JSON from outside may nest, unless a server is told otherwise.
const MaxDepth = 100

// Decode reads one JSON object from outside into a pointer to a struct. It refuses
// broken UTF-8, more than depth levels (0: MaxDepth), text behind the object, and
// fields that the struct does not have, or that stand twice. The error has
// CodeInvalid, or CodeTooLarge for the depth.
func Decode(data []byte, depth int, into any) error {
	if err := CheckText(data, depth); err != nil {
		return err
	}
	if err := checkFields(data, fieldsOf(reflect.TypeOf(into).Elem())); err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return invalid(err)
	}
	return nil
}

// CheckText refuses what is not valid UTF-8, not one JSON value, or deeper than depth (0: MaxDepth).
func CheckText(data []byte, depth int) error {
	if depth == 0 {
		depth = MaxDepth
	}
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return reeve.Errorf(reeve.CodeInvalid, "no JSON: want an object")
	case !utf8.Valid(data):
		return reeve.Errorf(reeve.CodeInvalid, "the JSON is not valid UTF-8")
	case deeper(data, depth):
		return reeve.Errorf(reeve.CodeTooLarge, "the JSON nests more than %d levels deep", depth)
	case !json.Valid(data):
		var v any
		return invalid(json.Unmarshal(data, &v))
	}
	return nil
}

// deeper looks at brackets alone, before anything recurses over them.
func deeper(data []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// checkFields walks the top level of a valid JSON text.
func checkFields(data []byte, known map[string]bool) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return reeve.Errorf(reeve.CodeInvalid, "want a JSON object")
	}
	seen := make(map[string]bool, len(known))
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return invalid(err)
		}
		name, _ := t.(string)
		switch {
		case !known[name]:
			return reeve.Errorf(reeve.CodeInvalid, "unknown field %q", name)
		case seen[name]:
			return reeve.Errorf(reeve.CodeInvalid, "field %q stands twice", name)
		}
		seen[name] = true
		var skipped json.RawMessage
		if err := dec.Decode(&skipped); err != nil {
			return invalid(err)
		}
	}
	return nil
}

var fieldNames sync.Map // reflect.Type -> map[string]bool, filled once a type

func fieldsOf(t reflect.Type) map[string]bool {
	if known, ok := fieldNames.Load(t); ok {
		return known.(map[string]bool)
	}
	known := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			known[name] = true
		}
	}
	fieldNames.Store(t, known)
	return known
}

// invalid words an error of encoding/json for the client that caused it.
func invalid(err error) error {
	if e, ok := errors.AsType[*reeve.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return reeve.Errorf(reeve.CodeInvalid, "field %q: want %s, got %s", e.Field, plainType(e.Type), e.Value)
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return reeve.Errorf(reeve.CodeInvalid, "the JSON is broken at byte %d: %s", e.Offset, e.Error())
	}
	return reeve.Errorf(reeve.CodeInvalid, "the JSON is broken: %w", err)
}

// plainType names a Go type in JSON's words.
func plainType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint64:
		return "an integer"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	default:
		return "an object"
	}
}
