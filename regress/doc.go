// Package regress holds what went wrong once against going wrong again. It has tests only:
//
//	go test ./regress/...
//
// reeve began with a failure: a WebSocket handler lent its database session to a supervisor that
// outlived it, the handler closed the session, the supervisor used it, and agents hung for
// ever (learnings/0001-lent-session.md). The report of that failure asks for five things, and
// each has a file under its own heading:
//
//	session_reference_test.go  no agent, at any depth, can reach a session of the handler
//	concurrent_test.go         many agents at once, and no illegal state
//	lifecycle_test.go          a long run holds no session between its steps
//	performance_test.go        five steps end within five seconds; the hundredth run is as quick as the first
//	cleanup_test.go            nothing that fails leaves a session open
//
// Beside them stand crash_test.go and resume_test.go (kill -9, and the socket dropped at every entry), and
// learnings_test.go, which holds that every test a learning names exists.
//
// # Rules
//
//   - Nothing is mocked: the server listens on a real socket and writes a real SQLite file; its clients
//     are an HTTP client and a WebSocket client of other people's making.
//   - Tests wait for facts. The only bounds on time are those past which something hangs.
//   - REEVE_SOAK=1m lets TestKillsAtRandomMoments go on for a minute instead of a few seconds.
package regress
