package lint

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/tools/go/analysis"
)

// Fixed is what ApplyFixes did.
type Fixed struct {
	Applied []Finding `json:"applied"` // the findings that were mended, with the fix that was used first
	Refused []Skipped `json:"refused"` // files that were left as they are
}

// ApplyFixes applies the first fix of each finding to the files below dir, which the
// report's names are relative to. A file whose edits overlap is left as it is, whole.
// A second run finds nothing to do, for what is mended is not found again.
func ApplyFixes(dir string, r Report) (Fixed, error) {
	var done Fixed
	files := fixable(r.Findings)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		src, err := os.ReadFile(path)
		if err != nil {
			return done, fmt.Errorf("read what is to be mended: %w", err)
		}
		out, reason := apply(src, edits(files[name]))
		if reason != "" {
			done.Refused = append(done.Refused, Skipped{Path: name, Reason: reason})
			continue
		}
		if err := replace(path, out); err != nil {
			return done, fmt.Errorf("write what is mended: %w", err)
		}
		done.Applied = append(done.Applied, files[name]...)
	}
	return done, nil
}

// fixable groups the findings that have a fix within their own file.
func fixable(findings []Finding) map[string][]Finding {
	files := map[string][]Finding{}
	for _, f := range findings {
		if len(f.Fixes) > 0 && !slices.ContainsFunc(f.Fixes[0].Edits, func(e Edit) bool { return e.File != f.File }) {
			files[f.File] = append(files[f.File], f)
		}
	}
	return files
}

func edits(findings []Finding) []Edit {
	var all []Edit
	for _, f := range findings {
		all = append(all, f.Fixes[0].Edits...)
	}
	slices.SortFunc(all, func(a, b Edit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.New, b.New))
	})
	return slices.Compact(all)
}

// apply gives the text with the edits made, or says why that cannot be.
func apply(src []byte, edits []Edit) (out []byte, reason string) {
	var text bytes.Buffer
	at := 0
	for i, e := range edits {
		if e.Start < at || e.End < e.Start || e.End > len(src) || i > 0 && e.Start == edits[i-1].Start {
			return nil, fmt.Sprintf("two fixes meet at line %d: apply one by hand and run it again", e.StartLine)
		}
		text.Write(src[at:e.Start])
		text.WriteString(e.New)
		at = e.End
	}
	text.Write(src[at:])
	return text.Bytes(), ""
}

// replace writes a file anew in one step, with the rights that it has.
func replace(path string, text []byte) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".reeve-fix-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already when it was renamed
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Chmod(info.Mode()), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// fix is a suggested fix as a report has it.
func (s *sources) fix(fset *token.FileSet, from analysis.SuggestedFix) Fix {
	fix := Fix{Message: from.Message}
	for _, e := range from.TextEdits {
		start, end := fset.Position(e.Pos), fset.Position(e.End)
		fix.Edits = append(fix.Edits, Edit{
			File: s.rel(start.Filename), Start: start.Offset, End: end.Offset, New: string(e.NewText),
			StartLine: start.Line, StartColumn: start.Column, EndLine: end.Line, EndColumn: end.Column,
		})
	}
	return fix
}
