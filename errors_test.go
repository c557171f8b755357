package reeve_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/reeve-run/reeve"
	"github.com/reeve-run/reeve/wire"
)

// A row of docs/errors.md: the code, and where the code refuses a request its HTTP status.
var codeRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|(?: (\\d{3}) \\|)?")

// inner are the codes that no client meets; the page says so in its last lines.
var inner = []reeve.Code{reeve.CodeFenced, reeve.CodeBusyRow}

// Every code has its row, with the status that the wire gives it, and every row its code.
func TestErrorsPageTellsTheTruth(t *testing.T) {
	page, err := os.ReadFile("docs/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[reeve.Code]bool{}
	for _, row := range codeRow.FindAllStringSubmatch(string(page), -1) {
		code := reeve.Code(row[1])
		told[code] = true
		if row[2] == "" {
			continue
		}
		if status, _ := strconv.Atoi(row[2]); status != wire.Status(code) {
			t.Errorf("%s is %d on the page and %d on the wire", code, status, wire.Status(code))
		}
	}
	for _, code := range inner {
		told[code] = strings.Contains(string(page), "`"+string(code)+"`")
	}
	codes := declaredCodes(t)
	for _, code := range codes {
		if !told[code] {
			t.Errorf("%s is not on the page", code)
		}
		delete(told, code)
	}
	for code := range told {
		t.Errorf("%s is on the page and nowhere else", code)
	}
}

// declaredCodes reads the constants of type Code.
func declaredCodes(t *testing.T) []reeve.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []reeve.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, typed := spec.Type.(*ast.Ident); !typed || id.Name != "Code" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, reeve.Code(text))
		return true
	})
	return codes
}
