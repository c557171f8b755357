package lint

import (
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// pythonImport is one import statement; names in brackets over several lines are
// followed to the closing one.
var pythonImport = regexp.MustCompile(`(?m)^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]*)|import[ \t]+([^\n#]+))`)

// maxContext bounds how many further files are read to resolve those asked for.
const maxContext = 5000

// pythonImports are the files below dir that a file may mean by its imports. Exists
// says whether a file is there.
func pythonImports(name string, src []byte, exists func(string) bool) []string {
	var found []string
	add := func(base, dotted string) bool {
		file := path.Join(base, strings.ReplaceAll(dotted, ".", "/"))
		for _, candidate := range []string{file + ".py", path.Join(file, "__init__.py")} {
			if candidate != name && exists(candidate) {
				found = append(found, candidate)
				return true
			}
		}
		return false
	}
	for _, m := range pythonImport.FindAllStringSubmatch(string(src), -1) {
		module, names := m[1], strings.FieldsFunc(m[2], func(r rune) bool { return strings.ContainsRune(", \t\r\n()", r) })
		if m[3] != "" {
			for one := range strings.SplitSeq(m[3], ",") {
				if fields := strings.Fields(one); len(fields) > 0 {
					anyBase(name, 0, func(base string) bool { return add(base, fields[0]) })
				}
			}
			continue
		}
		dots := len(module) - len(strings.TrimLeft(module, "."))
		anyBase(name, dots, func(base string) bool {
			ok := add(base, module[dots:])
			for _, n := range names {
				ok = add(base, strings.TrimPrefix(module[dots:]+"."+n, ".")) || ok
			}
			return ok
		})
	}
	return found
}

// anyBase tries the folders that an import can start from, nearest first: with dots
// the one they mean, else each folder that the file lies in.
func anyBase(name string, dots int, try func(base string) bool) {
	base := path.Dir(name)
	for range dots - 1 {
		base = path.Dir(base)
	}
	for !try(base) && dots == 0 && base != "." && base != "/" && base != ".." {
		base = path.Dir(base)
	}
}

// withContext adds the files that the given ones import, at any depth.
func (s *sources) withContext(names []string) []string {
	all := map[string]bool{}
	for _, n := range names {
		all[n] = true
	}
	todo := slices.Clone(names)
	for len(todo) > 0 && len(all) < len(names)+maxContext {
		src, err := s.readFile(todo[0])
		if err == nil && len(src) <= MaxFile {
			for _, i := range pythonImports(todo[0], src, s.exists) {
				if !all[i] {
					all[i] = true
					todo = append(todo, i)
				}
			}
		}
		todo = todo[1:]
	}
	return sortedKeys(all)
}

func sortedKeys(set map[string]bool) []string {
	keys := make([]string, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (s *sources) exists(name string) bool {
	if known, ok := s.there[name]; ok {
		return known
	}
	var info os.FileInfo
	var err error
	if s.root != nil {
		info, err = s.root.Stat(filepath.FromSlash(name))
	} else {
		info, err = os.Stat(filepath.Join(s.dir, filepath.FromSlash(name)))
	}
	s.there[name] = err == nil && info.Mode().IsRegular()
	return s.there[name]
}

// goImports are the folders that a Go file of a module imports, relative to dir.
func (s *sources) goImports(name, modulePath, moduleDir string) []string {
	src, err := s.readFile(name)
	if err != nil {
		return nil
	}
	tree, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
	if err != nil {
		return nil
	}
	var folders []string
	for _, spec := range tree.Imports {
		at, err := strconv.Unquote(spec.Path.Value)
		if below, ok := strings.CutPrefix(at, modulePath); err == nil && ok && (below == "" || below[0] == '/') {
			folders = append(folders, path.Join(moduleDir, below))
		}
	}
	return folders
}

var moduleLine = regexp.MustCompile(`(?m)^module[ \t]+"?([^\s"]+)`)

// modulePath is the name that the module in the folder gives itself.
func modulePath(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return ""
	}
	if m := moduleLine.FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return ""
}
