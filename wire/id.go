package wire

import (
	"encoding/json"
	"strconv"

	"github.com/reeve-run/reeve"
)

// ID is a client's own name for a frame, given back in every answer to it: a
// JSON string of at most reeve.MaxName bytes, or an integer. The value is the JSON
// text itself, so that the client reads exactly what it wrote; "" is no id.
type ID string

// TextID is the ID that a string makes.
func TextID(s string) ID {
	b, err := json.Marshal(s)
	if err != nil { // a string always marshals
		return ""
	}
	return ID(b)
}

// MarshalJSON writes the id as the client wrote it.
func (id ID) MarshalJSON() ([]byte, error) {
	if id == "" {
		return []byte("null"), nil
	}
	return []byte(id), nil
}

// UnmarshalJSON takes a string or an integer. The error has CodeInvalid.
func (id *ID) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		if len(b) > reeve.MaxName+2 {
			return reeve.Errorf(reeve.CodeInvalid, "id has %d bytes: at most %d", len(b)-2, reeve.MaxName)
		}
	case string(b) == "null":
		*id = ""
		return nil
	default:
		if _, err := strconv.ParseInt(string(b), 10, 64); err != nil {
			return reeve.Errorf(reeve.CodeInvalid, "id must be a string or an integer")
		}
	}
	*id = ID(b)
	return nil
}

// String is the id for people: the text of a string, the digits of a number.
func (id ID) String() string {
	var s string
	if json.Unmarshal([]byte(id), &s) == nil {
		return s
	}
	return string(id)
}
