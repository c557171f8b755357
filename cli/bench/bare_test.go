package bench

import (
	"context"
	"testing"
)

// The bare must do what it claims, or the ratio means nothing: every row is there once, in order, and a
// stale fence keeps its row out.
func TestBareIsAFencedLog(t *testing.T) {
	b, err := openBare(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	if err := b.more(t.Context(), 200); err != nil {
		t.Fatal(err)
	}
	done := make([]chan error, 200)
	for i := range done {
		done[i] = make(chan error, 1)
	}
	seen, err := measure(t.Context(), load{inFlight: 200, runs: 2000, done: &b.rows}, func(_ context.Context, client int) error {
		return b.write(int64(client+1), []byte(`"payload"`), done[client])
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(seen.took) != 2000 || seen.perSecond <= 0 {
		t.Fatalf("%d rows at %f a second", len(seen.took), seen.perSecond)
	}
	var rows, gaps, behind int
	ask := `SELECT (SELECT count(*) FROM log),
		(SELECT count(*) FROM (SELECT seq - lag(seq, 1, 0) OVER (PARTITION BY thread ORDER BY seq) AS step FROM log) WHERE step <> 1),
		(SELECT count(*) FROM threads t WHERE last_seq <> (SELECT count(*) FROM log WHERE thread = t.id))`
	if err := b.conn.QueryRowContext(t.Context(), ask).Scan(&rows, &gaps, &behind); err != nil {
		t.Fatal(err)
	}
	if rows != 2000 || gaps != 0 || behind != 0 {
		t.Errorf("%d rows, %d gaps, %d threads behind their log", rows, gaps, behind)
	}
	if err := b.commit([]row{{thread: 1, fence: 1, data: []byte("1")}, {thread: 2, fence: 0, data: []byte("2")}}); err == nil {
		t.Error("a row with a stale fence was written")
	}
}
