package wire

import (
	"fmt"

	"github.com/reeve-run/reeve"
)

// ResetReason says why a position cannot be served.
type ResetReason string

// The reasons of a reset.
const (
	ResetPruned ResetReason = "pruned" // entries after the position have been removed
	ResetBeyond ResetReason = "beyond" // the log has not come that far
	ResetEpoch  ResetReason = "epoch"  // the position is of a log that was restored since
)

// ResetError is a position that cannot be served. First is the first entry that
// can: follow again with after = First-1 and this Epoch, once the thread's own page has told
// what the missing stretch stood for. It is a *reeve.Error with CodeGone.
type ResetError struct {
	Reason ResetReason `json:"reason"`
	First  int64       `json:"first"`
	Epoch  int64       `json:"epoch"`
}

func (e *ResetError) Error() string {
	return fmt.Sprintf("the position cannot be served (%s): the first entry that can is %d in epoch %d",
		e.Reason, e.First, e.Epoch)
}

// Unwrap gives the error its code.
func (e *ResetError) Unwrap() error {
	return &reeve.Error{Code: reeve.CodeGone, Message: e.Error()}
}
