// Crew is a supervisor with sub-agents side by side and a question to a person: it counts what the
// texts of a folder hold, shows the sum, and writes a report when somebody approves.
//
//	go run ./examples/crew serve --addr 127.0.0.1:8001
//	curl -d '{"agent":"crew","input":{"path":"docs","report":"/tmp/report.md"}}' -H 'Content-Type: application/json' http://127.0.0.1:8001/v1/runs
//	go run ./examples/crew runs answer RUN approve true --url http://127.0.0.1:8001
//
// The question waits for a day, through restarts of the server; then the answer is no. A text that
// cannot be read fails its own inspector, and stands in the report as such.
package main
