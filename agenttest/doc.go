// Package agenttest runs an agent in memory, for the unit tests of its author: the engine, the log and
// the replay are the real ones, the store is the process's memory, and time is virtual.
//
//	func TestCrew(t *testing.T) {
//		res := agenttest.Run(t, crew, Dir{Path: "testdata"}, agenttest.Answer("publish", true))
//		if res.Err != nil {
//			t.Fatalf("%v\n%s", res.Err, res.Log())
//		}
//		agenttest.EveryCrash(t, crew, Dir{Path: "testdata"}, agenttest.Answer("publish", true))
//	}
//
// EveryCrash belongs in the test of every agent. It stops the node after each entry of the log in
// turn and lets another one take over; a body that decides by something that is not recorded (the
// clock, a random number, the order of a map) is found that way.
//
// # Rules
//
//   - A run is in a bubble of testing/synctest: a week's Sleep takes no time, and deadlines come
//     when nothing else is left to do. Run makes the bubble, unless the test is in one already.
//   - Goroutines that an agent starts must have ended when its function returns, and what they wait
//     for must be made inside the run. An agent that talks to a real server has
//     goroutines of sockets: give Run the option RealTime.
//   - Agents that the agent calls need no mention: the calls bring them along.
//   - A node's death cuts the contexts of its functions; what they still do is not written.
//
// # Failure
//
// A failing agent does not fail the test: Result.Err says what happened, and the test decides. Wrong
// use of this package, such as an answer that is not JSON, does fail it at once.
package agenttest
