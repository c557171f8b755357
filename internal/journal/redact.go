package journal

import (
	"encoding/json"

	"github.com/reeve-run/reeve"
)

// vet redacts an owner's draft and bounds it.
func (j *Journal) vet(d *Draft) error {
	if j.cfg.Redact != nil {
		d.Data = j.cfg.Redact(d.Kind, d.Data)
		if len(d.Data) > 0 && !json.Valid(d.Data) {
			return reeve.Errorf(reeve.CodeInternal, "Redact made something of %s that is not JSON", d)
		}
	}
	return j.checkSize(d, len(d.Data))
}

// through shows the data of an entry that the store puts together itself to Redact, and
// reads what it makes of it.
func through[T any](j *Journal, kind reeve.Kind, v *T) error {
	if j.cfg.Redact == nil {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return reeve.Errorf(reeve.CodeInvalid, "data of %s: %w", kind, err)
	}
	var after T
	if err := json.Unmarshal(j.cfg.Redact(kind, raw), &after); err != nil {
		return reeve.Errorf(reeve.CodeInternal, "Redact made something of %s that is not of its shape: %w", kind, err)
	}
	*v = after
	return nil
}

func (j *Journal) redactInput(o *Accept) error {
	m := reeve.MessageAdded{Role: reeve.RoleUser, Content: o.Input}
	err := through(j, reeve.KindMessageAdded, &m)
	o.Input = m.Content
	return err
}

func (j *Journal) redactAnswer(o *Answer) error {
	a := reeve.AskAnswered{Value: o.Value, By: o.By}
	err := through(j, reeve.KindAskAnswered, &a)
	o.Value = a.Value
	return err
}

func (j *Journal) redactReason(o *Cancel) error {
	c := reeve.CancelRequested{Reason: o.Reason}
	err := through(j, reeve.KindCancelRequested, &c)
	o.Reason = c.Reason
	return err
}

// Redacting says whether what is stored may differ from what was handed in.
func (j *Journal) Redacting() bool { return j.cfg.Redact != nil }

// RedactMessage is what Redact makes of a message, for the copies of it that are not entries.
func (j *Journal) RedactMessage(m reeve.MessageAdded) (reeve.MessageAdded, error) {
	err := through(j, reeve.KindMessageAdded, &m)
	return m, err
}

// RedactFailure is what Redact makes of a run's failure, likewise.
func (j *Journal) RedactFailure(f reeve.Failure) (reeve.Failure, error) {
	err := through(j, reeve.KindRunFailed, &f)
	return f, err
}
