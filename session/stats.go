package session

import (
	"maps"
	"slices"
	"time"
)

// Bounds are the upper bounds of the histogram's buckets, in seconds; the last
// bucket has none.
var Bounds = [...]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// Histogram counts durations. Counts[i] is the number at or below Bounds[i] and
// above the bound before; the last is the number above all bounds.
type Histogram struct {
	Counts [len(Bounds) + 1]uint64
	Sum    time.Duration
}

func (h *Histogram) observe(d time.Duration) {
	i := 0
	for s := d.Seconds(); i < len(Bounds) && s > Bounds[i]; {
		i++
	}
	h.Counts[i]++
	h.Sum += d
}

// Count is the number of durations seen.
func (h *Histogram) Count() uint64 {
	var n uint64
	for _, c := range h.Counts {
		n += c
	}
	return n
}

func (h *Histogram) merge(o Histogram) {
	for i, c := range o.Counts {
		h.Counts[i] += c
	}
	h.Sum += o.Sum
}

// Counters are what the guard knows about the units of a pool.
type Counters struct {
	Open       int             // units open now
	Opened     uint64          // units opened since the start
	Longest    time.Duration   // the longest that a unit was held, of those that ended
	LongestNow time.Duration   // how long the oldest open unit has been held
	Holds      Histogram       // how long units were held, of those that ended; with Do, the wait for the session counts
	Refused    map[Rule]uint64 // uses refused, by rule
}

// Stats are the counters of all pools together.
func Stats() Counters {
	sum := Counters{Refused: map[Rule]uint64{}}
	for _, c := range PoolStats() {
		sum.Open += c.Open
		sum.Opened += c.Opened
		sum.Longest = max(sum.Longest, c.Longest)
		sum.LongestNow = max(sum.LongestNow, c.LongestNow)
		sum.Holds.merge(c.Holds)
		for r, n := range c.Refused {
			sum.Refused[r] += n
		}
	}
	return sum
}

// PoolStats are the counters by the pool's name.
func PoolStats() map[string]Counters {
	settleAll()
	by := map[string]Counters{}
	for _, t := range allTallies() {
		by[t.name] = t.counters()
	}
	return by
}

func (t *tally) counters() Counters {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := Counters{Open: t.open, Opened: t.opened, Longest: t.longest, Holds: t.holds, Refused: maps.Clone(t.refusal)}
	if t.oldest != nil {
		c.LongestNow = t.oldest.since.age()
	}
	return c
}

// Unit is an open unit as Units saw it.
type Unit struct {
	Pool   string
	Number uint64 // in the order in which the pool's units were opened, from 1; with Pool it names the unit
	Opened Site
	Since  time.Time
	InTx   bool   // it is in a transaction
	InUse  bool   // a statement is going on, or its rows are open
	Op     string // which; "" when none
}

// Units lists the open units of all pools, the oldest first.
func Units() []Unit {
	settleAll()
	return unitsOf(allOpen())
}

// settleAll brings the books of all pools that have units open in line with the pools.
func settleAll() {
	lots := map[*lot]bool{}
	for _, h := range allOpen() {
		lots[h.guard.lot] = true
	}
	for l := range lots {
		l.settled()
	}
}

func allOpen() (holds []*Hold) {
	for _, t := range allTallies() {
		t.each(func(h *Hold) { holds = append(holds, h) })
	}
	return holds
}

// unitsOf describes units outside of their lock: places take time to resolve.
func unitsOf(holds []*Hold) []Unit {
	units := make([]Unit, len(holds))
	for i, h := range holds {
		units[i] = h.unit()
	}
	slices.SortStableFunc(units, func(a, b Unit) int { return a.Since.Compare(b.Since) })
	return units
}

func (h *Hold) unit() Unit {
	u := Unit{Pool: h.guard.name, Number: h.number, Opened: h.opened.site(), Since: h.since.time(), InTx: h.tx.Load()}
	u.Op = h.InUse()
	u.InUse = u.Op != ""
	return u
}
