package agenttest

import (
	"testing"
	"testing/synctest"
)

// bubble calls fn where time is virtual: in the bubble that the test is in, or in a new one.
func bubble(t *testing.T, realTime bool, fn func(*testing.T)) {
	t.Helper()
	if realTime || inBubble() {
		fn(t)
		return
	}
	synctest.Test(t, fn)
}

// inBubble asks in the only way there is: Wait panics outside of a bubble. Inside, it returns when the
// test's other goroutines are at rest.
func inBubble() (yes bool) {
	defer func() {
		if recover() != nil {
			yes = false
		}
	}()
	synctest.Wait()
	return true
}
