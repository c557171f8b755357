package supervisor

import (
	"context"
	"log/slog"
)

// trouble logs when something stops going through, and when it goes through again. It
// belongs to one loop.
type trouble struct{ times int }

func (t *trouble) note(log *slog.Logger, what string, err error) {
	switch {
	case err == nil && t.times > 0:
		log.Info(what+" goes through again", "after", t.times)
		t.times = 0
	case err != nil:
		if t.times == 0 {
			log.Log(context.Background(), slog.LevelWarn, what+" did not go through and is tried again", "err", err)
		}
		t.times++
	}
}
