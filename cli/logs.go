package cli

import (
	"io"
	"log/slog"

	"github.com/lmittmann/tint"
)

// serverLog is the log of a server: for people on a terminal, JSON for everything else.
func serverLog(w io.Writer) *slog.Logger {
	if isTerminal(w) {
		return slog.New(tint.NewTextHandler(w, &tint.Options{TimeFormat: "15:04:05.000", NoColor: !colored()}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: namedUnits}))
}

// namedUnits writes a duration as 3s and not as a number of nanoseconds.
func namedUnits(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// quietLog is the log of a server inside another command: only what its user must know.
func quietLog(w io.Writer) *slog.Logger {
	o := &tint.Options{Level: slog.LevelWarn, TimeFormat: "15:04:05", NoColor: !colored()}
	if _, drawn := w.(*screen); !drawn {
		o.NoColor = true
	}
	return slog.New(tint.NewTextHandler(w, o))
}
