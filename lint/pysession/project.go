package pysession

import (
	"path"
	"slices"
	"strings"
)

// File is a Python file under the name that findings bear.
type File struct {
	Name string
	Src  []byte
}

// module is one file of the project.
type module struct {
	path    string
	dotted  string // a.b.c for a/b/c.py and for a/b/c/__init__.py
	body    []stmt
	imports []imported
	byLocal map[string][]imported // imports of the module itself, by the name they bind
	top     *function             // stands for the module's own statements
	names   *env
	funcs   []*function
	classes []*class
	byDef   map[*stmt]*function
	broken  string // why it is not looked at any further
}

// project is everything that is resolved together.
type project struct {
	modules []*module
	byTail  map[string][]*module // by the last part of the dotted name
	found   *collector
	dirty   map[*function]bool // to be walked again
	seen    map[lookup]*module // what imports have been resolved to
	state   map[string]*value  // what applications keep, by attribute

	stateReaders readers
}

// lookup is a question to resolve: a name, asked for in a folder.
type lookup struct{ dir, name string }

func newProject() *project {
	return &project{byTail: map[string][]*module{}, dirty: map[*function]bool{}, seen: map[lookup]*module{}}
}

func (p *project) add(name string, body []stmt) {
	dotted := strings.TrimSuffix(strings.TrimSuffix(path.Clean(name), ".py"), "/__init__")
	m := &module{path: name, dotted: strings.ReplaceAll(dotted, "/", "."), body: body, imports: collectImports(body)}
	m.top = &function{mod: m, def: &stmt{kind: "def", name: "<module>"}}
	m.byLocal = map[string][]imported{}
	for i := range body {
		if body[i].kind == "import" {
			for _, imp := range body[i].imports {
				m.byLocal[imp.local] = append(m.byLocal[imp.local], imp)
			}
		}
	}
	p.modules = append(p.modules, m)
	tail := m.dotted[strings.LastIndexByte(m.dotted, '.')+1:]
	p.byTail[tail] = append(p.byTail[tail], m)
}

// resolve finds the module that an import in from means: the one whose path ends
// with the name and that shares the longest beginning with the importer's.
func (p *project) resolve(from *module, name string) *module {
	key := lookup{path.Dir(from.path), name}
	m, ok := p.seen[key]
	if !ok {
		m = p.nearest(from, name)
		p.seen[key] = m
	}
	return m
}

func (p *project) nearest(from *module, name string) *module {
	tail := name[strings.LastIndexByte(name, '.')+1:]
	var best *module
	shared := -1
	for _, m := range p.byTail[tail] {
		if m.dotted != name && !strings.HasSuffix(m.dotted, "."+name) {
			continue
		}
		if n := commonParts(m.dotted, from.dotted); n > shared {
			best, shared = m, n
		}
	}
	return best
}

func commonParts(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	n := 0
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	return n
}

// absolute is the dotted name that a relative import means.
func (m *module) absolute(i imported) string {
	if i.level == 0 {
		return i.module
	}
	parts := strings.Split(m.dotted, ".")
	up := i.level
	if path.Base(m.path) == "__init__.py" {
		up--
	}
	parts = parts[:max(0, len(parts)-up)]
	if i.module != "" {
		parts = append(slices.Clone(parts), i.module)
	}
	return strings.Join(parts, ".")
}

// test says whether the file is a test: it may do what others must not.
func (m *module) test() bool {
	base := path.Base(m.path)
	if strings.HasPrefix(base, "test_") || strings.HasSuffix(base, "_test.py") || base == "conftest.py" || base == "tests.py" {
		return true
	}
	for part := range strings.SplitSeq(path.Dir(m.path), "/") {
		if part == "tests" || part == "test" || part == "testing" {
			return true
		}
	}
	return false
}

// env is a scope: names and what they stand for.
type env struct {
	vars   map[string]*value
	up     *env
	fn     *function
	global map[string]bool
}

func newEnv(up *env, fn *function) *env { return &env{vars: map[string]*value{}, up: up, fn: fn} }

func (e *env) lookup(name string) (*value, *env) {
	for s := e; s != nil; s = s.up {
		if v := s.vars[name]; v != nil {
			return v, s
		}
	}
	return nothing, nil
}
