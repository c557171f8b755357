package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/reeve-run/reeve"
)

// kinds are numbered in the log's rows from 1 in this order, which is part of the schema: add
// at the end. A kind that has no number stands there by its name.
var kinds = [...]reeve.Kind{
	reeve.KindMessageAdded, reeve.KindRunQueued, reeve.KindRunStarted, reeve.KindRunHanded, reeve.KindRunWaiting,
	reeve.KindRunResumed, reeve.KindRunStalled, reeve.KindRunCompleted, reeve.KindRunFailed, reeve.KindRunCancelled,
	reeve.KindAgentCalled, reeve.KindAgentReturned, reeve.KindStepCompleted, reeve.KindStepFailed, reeve.KindTextAppended,
	reeve.KindAskOpened, reeve.KindAskAnswered, reeve.KindTimerSet, reeve.KindCancelRequested,
}

var kindNumbers = func() map[reeve.Kind]any {
	numbers := make(map[reeve.Kind]any, len(kinds))
	for i, k := range kinds {
		numbers[k] = int64(i + 1)
	}
	return numbers
}()

// kindValue is what the log's rows have for a kind: a number, or the name.
func kindValue(k reeve.Kind) any {
	if n, known := kindNumbers[k]; known {
		return n
	}
	return string(k)
}

// kindList is the JSON of several.
func kindList(list []reeve.Kind) (string, error) {
	values := make([]any, len(list))
	for i, k := range list {
		values[i] = kindValue(k)
	}
	text, err := json.Marshal(values)
	return string(text), err
}

// kindColumn reads a kind.
type kindColumn reeve.Kind

// Scan implements sql.Scanner.
func (k *kindColumn) Scan(value any) error {
	switch v := value.(type) {
	case string:
		*k = kindColumn(v)
		return nil
	case int64:
		if v >= 1 && v <= int64(len(kinds)) {
			*k = kindColumn(kinds[v-1])
			return nil
		}
	}
	return fmt.Errorf("kind %v in the log is of a newer program", value)
}

// claims says whether an entry of the kind tells of a claim.
func (k *kindColumn) claims() bool {
	return reeve.Kind(*k) == reeve.KindRunStarted || reeve.Kind(*k) == reeve.KindRunResumed
}
