package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// role is who may use a route.
type role int

const (
	forOwner    role = iota // anybody who is known; what is another's is not there
	forAnybody              // no token needed
	forOperator             // operators alone
)

// route is one line of the HTTP interface: the mux, the checks and /openapi.json are made of it.
type route struct {
	method, path string
	summary      string
	role         role
	query        []string // names of query parameters, described in params
	key          bool     // takes an Idempotency-Key
	body         any      // a pointer to the zero body; nil: none is read
	reply        any      // the zero reply
	status       int      // of success; 0: 200

	serve  func(*call) (any, error)                        // the reply, or a reply with a status of its own
	stream func(http.ResponseWriter, *http.Request, *call) // instead of serve: answers by itself
}

// table lists every route that is described in /openapi.json.
func (g *Gateway) table() []route {
	page := []string{"limit", "cursor"}
	runs := []string{"status", "agent", "created_before", "limit", "cursor"}
	entries := []string{"after", "epoch", "limit"}
	events := []string{"after", "epoch"}
	return []route{
		{method: "POST", path: "/v1/threads", summary: "Make an empty thread", body: &wire.CreateThread{}, reply: reeve.Thread{}, status: http.StatusCreated, serve: g.createThread},
		{method: "GET", path: "/v1/threads", summary: "List threads, newest first", query: page, reply: wire.Threads{}, serve: g.listThreads},
		{method: "GET", path: "/v1/threads/{thread}", summary: "Show a thread", reply: reeve.Thread{}, serve: g.showThread},
		{method: "DELETE", path: "/v1/threads/{thread}", summary: "Delete a thread and all that is its", status: http.StatusNoContent, serve: g.deleteThread},
		{method: "GET", path: "/v1/threads/{thread}/runs", summary: "List a thread's runs, newest first", query: runs, reply: wire.Runs{}, serve: g.listRuns},
		{method: "POST", path: "/v1/threads/{thread}/runs", summary: "Start a run on a thread", query: []string{"wait"}, key: true, body: &wire.StartRun{}, reply: reeve.Run{}, status: http.StatusCreated, serve: g.startRun},
		{method: "GET", path: "/v1/threads/{thread}/entries", summary: "Read a thread's log", query: entries, reply: wire.Entries{}, serve: g.listEntries},
		{method: "GET", path: "/v1/threads/{thread}/events", summary: "Follow a thread by server-sent events", query: events, reply: reeve.Entry{}, stream: g.follow},
		{method: "POST", path: "/v1/runs", summary: "Start a run on a new thread", query: []string{"wait"}, key: true, body: &wire.StartRun{}, reply: reeve.Run{}, status: http.StatusCreated, serve: g.startRun},
		{method: "GET", path: "/v1/runs", summary: "List runs, newest first", query: runs, reply: wire.Runs{}, serve: g.listRuns},
		{method: "GET", path: "/v1/runs/{run}", summary: "Show a run", query: []string{"wait"}, reply: reeve.Run{}, serve: g.showRun},
		{method: "GET", path: "/v1/runs/{run}/entries", summary: "Read a run's entries", query: entries, reply: wire.Entries{}, serve: g.listEntries},
		{method: "GET", path: "/v1/runs/{run}/events", summary: "Follow a run by server-sent events", query: events, reply: reeve.Entry{}, stream: g.follow},
		{method: "POST", path: "/v1/runs/{run}/cancel", summary: "Ask a run to end", body: &wire.CancelRun{}, reply: reeve.Run{}, status: http.StatusAccepted, serve: g.cancelRun},
		{method: "POST", path: "/v1/runs/{run}/answer", summary: "Answer a question of a run", body: &wire.AnswerAsk{}, reply: wire.Answered{}, serve: g.answerRun},
		{method: "POST", path: "/v1/runs/{run}/retry", summary: "Start a failed run again from where it stands", body: &wire.Nothing{}, reply: reeve.Run{}, status: http.StatusAccepted, serve: g.retryRun},
		{method: "GET", path: "/v1/runs/{run}/why", summary: "Say what a run waits for, to operators", reply: wire.Why{}, serve: g.whyRun},
		{method: "GET", path: "/v1/agents", summary: "List the agents that this server has", reply: wire.Agents{}, serve: g.listAgents},
		{method: "POST", path: "/v1/agents/{agent}/pause", summary: "Take up no more runs of an agent", role: forOperator, body: &wire.Nothing{}, reply: wire.Agent{}, serve: g.pauseAgent(true)},
		{method: "POST", path: "/v1/agents/{agent}/resume", summary: "Take up runs of an agent again", role: forOperator, body: &wire.Nothing{}, reply: wire.Agent{}, serve: g.pauseAgent(false)},
		{method: "GET", path: "/v1/ws", summary: "Open a WebSocket", role: forAnybody, status: http.StatusSwitchingProtocols, stream: g.upgrade},
		{method: "GET", path: "/health", summary: "Say how the server is", role: forAnybody, reply: wire.Health{}, serve: g.health},
		{method: "GET", path: "/livez", summary: "Say that the process lives", role: forAnybody, status: http.StatusOK, serve: g.live},
		{method: "GET", path: "/readyz", summary: "Say whether work can be taken", role: forAnybody, status: http.StatusOK, serve: g.ready},
		{method: "GET", path: "/metrics", summary: "Prometheus metrics", role: forOperator, stream: g.metricsPage},
	}
}

// routes makes the handler.
func (g *Gateway) routes() http.Handler {
	mux := http.NewServeMux()
	table := g.table()
	description := describe(g.Version, table)
	table = append(table,
		route{method: "GET", path: "/openapi.json", stream: func(w http.ResponseWriter, _ *http.Request, _ *call) {
			w.Header().Set("Content-Type", "application/json")
			write(w, http.StatusOK, description)
		}},
		route{method: "GET", path: "/{$}", stream: g.page},
	)
	methods := map[string][]string{}
	for _, rt := range table {
		mux.Handle(rt.method+" "+rt.path, g.handle(rt))
		methods[rt.path] = append(methods[rt.path], rt.method)
	}
	for path, allowed := range methods {
		mux.Handle(path, g.wrongMethod(allowed))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		g.metrics.answered("none", http.StatusNotFound)
		g.refuse(w, r, reeve.Errorf(reeve.CodeNotFound, "no such route: GET /openapi.json lists them"))
	})
	return g.guard(mux)
}

func (g *Gateway) wrongMethod(allowed []string) http.Handler {
	if slices.Contains(allowed, "GET") {
		allowed = append(allowed, "HEAD")
	}
	slices.Sort(allowed)
	list := strings.Join(allowed, ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", list)
		g.metrics.answered("none", http.StatusMethodNotAllowed)
		g.refuse(w, r, &statusError{
			status: http.StatusMethodNotAllowed, title: "Method not allowed",
			err: reeve.Errorf(reeve.CodeInvalid, "%s is not for this route: use %s", r.Method, list),
		})
	})
}

// name is the route as metrics and logs call it.
func (rt *route) name() string { return fmt.Sprintf("%s %s", rt.method, rt.path) }
