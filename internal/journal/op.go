package journal

import "github.com/reeve-run/reeve"

// opOverhead is what one row costs beyond its data, in bytes, as the batch bound counts it.
const opOverhead = 200

// On is the thread that the op writes to.
func (o *Append) On() reeve.ThreadID { return o.Thread }

// On is the thread that the op writes to.
func (o *Accept) On() reeve.ThreadID { return o.Thread }

// On is the thread that the op writes to.
func (o *Answer) On() reeve.ThreadID { return o.Run.Thread() }

// On is the thread that the op writes to.
func (o *Cancel) On() reeve.ThreadID { return o.Run.Thread() }

// On is the thread that the op writes to.
func (o *Retry) On() reeve.ThreadID { return o.Run.Thread() }

func (o *Append) rows() int { return len(o.Entries) }
func (o *Accept) rows() int { return 3 }
func (o *Answer) rows() int { return 1 }
func (o *Cancel) rows() int { return 2 }
func (o *Retry) rows() int  { return 1 }

func (o *Append) bytes() int {
	n := opOverhead
	for i := range o.Entries {
		n += len(o.Entries[i].Data) + opOverhead
	}
	if o.Change != nil {
		n += len(o.Change.Result)
	}
	return n
}

func (o *Accept) bytes() int { return 2*len(o.Input) + len(o.Metadata) + 4*opOverhead }
func (o *Answer) bytes() int { return len(o.Value) + opOverhead }
func (o *Cancel) bytes() int { return len(o.Reason) + 2*opOverhead }
func (o *Retry) bytes() int  { return opOverhead }
