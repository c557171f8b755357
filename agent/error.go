package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/reeve-run/reeve"
)

// ErrSuspended ends the context of a run that lets go of its node: it waits for longer
// than a minute, or the node is stopping. Every operation returns it at once, and what the function then
// returns is thrown away; the run goes on elsewhere or later, from the log.
var ErrSuspended = errors.New("the run lets go of this node and goes on later")

// ErrCancelled ends the context of a run that somebody cancelled.
var ErrCancelled error = reeve.Errorf(reeve.CodeCancelled, "the run was cancelled")

// StepError is the failure of an operation as the log has it: the same at first and
// from replay. The author's own error values do not survive the log; codes do.
type StepError struct {
	Path    string     // of the step, call or question
	Try     int        // the last one, from 1
	Code    reeve.Code // the code of the author's error, if it had one; else CodeAgentFailed or CodeStepFailed
	Message string
	From    []string // paths below it that the failure came from, innermost first
}

func (e *StepError) Error() string {
	if e.Try > 1 {
		return fmt.Sprintf("%s (try %d): %s", e.Path, e.Try, e.Message)
	}
	return e.Path + ": " + e.Message
}

// Is matches a *reeve.Error by its code.
func (e *StepError) Is(target error) bool {
	t, ok := target.(*reeve.Error)
	return ok && t.Message == "" && t.Code == e.Code
}

// Permanent says that no further try will help: the step fails now.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }

// IsPermanent says whether err was marked by Permanent.
func IsPermanent(err error) bool {
	_, ok := errors.AsType[*permanent](err)
	return ok
}

func outside(op string) error {
	return reeve.Errorf(reeve.CodeInvalid, "%s: the context is not an agent's", op)
}

// escape keeps the marks of a path out of a key, and the key readable. Of a key over
// reeve.MaxName bytes it keeps the beginning, and a digest of the whole.
func escape(key string) string {
	if len(key) > reeve.MaxName {
		sum := sha256.Sum256([]byte(key))
		key = strings.ToValidUTF8(key[:reeve.MaxName-40], "") + "~" + hex.EncodeToString(sum[:16])
	}
	if !strings.ContainsAny(key, "/#%[]") {
		return key
	}
	return keyEscaper.Replace(key)
}

var keyEscaper = strings.NewReplacer("%", "%25", "/", "%2F", "#", "%23", "[", "%5B", "]", "%5D")
