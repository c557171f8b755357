package sqlite

// turn is a run's new status on its way into its row. What tells of an end is 0 and NULL in
// every other status.
type turn struct {
	thread     *thread
	n          int64
	to         status
	lastSeq    int64
	finishedAt int64
	result     []byte
	failure    []byte
}

const turnWidth = 7

func (c *turn) args(to []any) []any {
	return append(to, c.thread.k, c.n, int64(c.to), c.lastSeq, c.finishedAt, blob(c.result), blob(c.failure))
}

// setTurn puts it aside. One statement must not find two for one run: the later one counts.
func (b *batch) setTurn(c turn) error {
	t := c.thread
	switch {
	case t.turn == 0:
	case b.turns[t.turn-1].n == c.n:
		b.turns[t.turn-1] = c
		return nil
	default:
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.turns = append(b.turns, c)
	t.turn = len(b.turns)
	return nil
}

// saveTurns writes what was put aside, after the rows of new runs.
func (b *batch) saveTurns() error {
	b.params = emptied(b.params)
	for i := range b.turns {
		b.params = b.turns[i].args(b.params)
		b.turns[i].thread.turn = 0
	}
	b.turns = emptied(b.turns)
	return b.saveChunks(chSaveTurns, b.params)
}
