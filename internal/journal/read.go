package journal

import (
	"context"
	"iter"

	"github.com/reeve-run/reeve"
)

// pageEntries is how many entries All reads at a time.
const pageEntries = 500

// All reads everything that q matches, page by page, each page in a unit of its own. An error
// is the last thing it yields. q.Limit bounds the whole; 0 is no bound.
func (j *Journal) All(ctx context.Context, q EntryQuery) iter.Seq2[reeve.Entry, error] {
	return func(yield func(reeve.Entry, error) bool) {
		left := q.Limit
		for {
			q.Limit = pageEntries
			if left > 0 {
				q.Limit = min(left, pageEntries)
			}
			page, err := j.Entries(ctx, q)
			if err != nil {
				yield(reeve.Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if len(page) == 0 || left > 0 && left <= len(page) {
				return
			}
			left = max(0, left-len(page))
			q.After = page[len(page)-1].Seq
		}
	}
}

// Claim is the store's, and tells the publisher of what it wrote.
func (j *Journal) Claim(ctx context.Context, q ClaimQuery) ([]Claimed, error) {
	claimed, err := j.Claimer.Claim(ctx, q)
	for i := range claimed {
		j.cfg.Publisher.Publish(claimed[i].Run.Thread, claimed[i].LastSeq, claimed[i].Entries)
	}
	return claimed, err
}
