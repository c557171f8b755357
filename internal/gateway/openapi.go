package gateway

import (
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/reeve-run/reeve/wire"
)

// params describes query parameters by name.
var params = map[string]string{
	"limit":          "How many at most: 100 unless told, up to 1000",
	"cursor":         "The next of the page before",
	"status":         "Only runs in this status",
	"agent":          "Only runs of this agent",
	"created_before": "Only runs created before this time (RFC 3339)",
	"after":          "The position to go on from: a sequence number, or epoch:seq",
	"epoch":          "The epoch in which the position counts",
	"wait":           "Answer when the run has ended, or after this time, up to 60s",
}

// describe makes /openapi.json of the table of routes. The library makes the schemas; it does not serve,
// for its errors and media types are not those of the interface.
func describe(version string, table []route) []byte {
	reg := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	api := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "reeve", Version: version},
		Components: &huma.Components{
			Schemas:         reg,
			SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}},
		},
	}
	for _, rt := range table {
		api.AddOperation(operation(reg, rt))
	}
	b, err := api.MarshalJSON()
	if err != nil { // the table is fixed: a test would have met this
		b = wire.Encode(wire.ProblemOf(err))
	}
	return b
}

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

func operation(reg huma.Registry, rt route) *huma.Operation {
	op := &huma.Operation{Method: rt.method, Path: rt.path, Summary: rt.summary, OperationID: operationID(rt)}
	for _, m := range pathParam.FindAllStringSubmatch(rt.path, -1) {
		op.Parameters = append(op.Parameters, param(m[1], "path", "", true))
	}
	for _, name := range rt.query {
		op.Parameters = append(op.Parameters, param(name, "query", params[name], false))
	}
	if rt.key {
		op.Parameters = append(op.Parameters, param("Idempotency-Key", "header", "The same key starts the run once", false))
	}
	if rt.role != forAnybody {
		op.Security = []map[string][]string{{"token": {}}}
	}
	if rt.body != nil {
		op.RequestBody = &huma.RequestBody{Required: !mayBeEmpty(rt.body), Content: content(reg, "application/json", rt.body)}
	}
	op.Responses = map[string]*huma.Response{
		strconv.Itoa(max(rt.status, http.StatusOK)): success(reg, rt),
		"default": {Description: "A problem", Content: content(reg, "application/problem+json", wire.Problem{})},
	}
	return op
}

func success(reg huma.Registry, rt route) *huma.Response {
	res := &huma.Response{Description: rt.summary}
	kind := "application/json"
	if rt.stream != nil {
		kind = "text/event-stream"
	}
	if rt.reply != nil {
		res.Content = content(reg, kind, rt.reply)
	}
	return res
}

func content(reg huma.Registry, kind string, of any) map[string]*huma.MediaType {
	t := reflect.TypeOf(of)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return map[string]*huma.MediaType{kind: {Schema: reg.Schema(t, true, t.Name())}}
}

func param(name, in, about string, required bool) *huma.Param {
	return &huma.Param{Name: name, In: in, Description: about, Required: required, Schema: &huma.Schema{Type: huma.TypeString}}
}

// operationID names a route for generated clients: get_v1_runs_run_entries.
func operationID(rt route) string {
	words := strings.FieldsFunc(rt.path, func(r rune) bool { return strings.ContainsRune("/{}.", r) })
	return strings.Join(append([]string{strings.ToLower(rt.method)}, words...), "_")
}
