package session

import "time"

// moment is a reading of the guard's clock, which is the monotonic one: half the
// cost of time.Now, in each open and each end.
type moment time.Duration

var start = time.Now()

func now() moment { return moment(time.Since(start)) }

// age is how long ago the moment was.
func (m moment) age() time.Duration { return time.Since(start) - time.Duration(m) }

// time is the moment on the wall's clock.
func (m moment) time() time.Time { return start.Add(time.Duration(m)) }
