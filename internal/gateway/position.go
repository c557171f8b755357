package gateway

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/reeve-run/reeve"
)

// parsePlace reads where a client wants to go on: Last-Event-ID (epoch:seq) before ?after and
// ?epoch; after may be epoch:seq as well. Without any it is the beginning. The error has CodeInvalid.
func parsePlace(h http.Header, query url.Values) (place, error) {
	from := place{epoch: noEpoch}
	last := strings.TrimSpace(h.Get("Last-Event-ID"))
	if after := query.Get("after"); last == "" && strings.Contains(after, ":") {
		last = after
	}
	if last != "" {
		p, err := reeve.ParsePosition(last)
		return place{after: p.Seq, epoch: p.Epoch}, err
	}
	var err error
	if from.after, err = count(query, "after", 0); err != nil {
		return from, err
	}
	from.epoch, err = count(query, "epoch", noEpoch)
	return from, err
}

// count reads a query parameter that is a number from 0 on.
func count(query url.Values, name string, without int64) (int64, error) {
	s := query.Get(name)
	if s == "" {
		return without, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return without, reeve.Errorf(reeve.CodeInvalid, "%s %q: want a number from 0 on", name, s)
	}
	return n, nil
}
