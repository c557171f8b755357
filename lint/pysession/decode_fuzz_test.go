package pysession

import "testing"

// FuzzDecode holds that no shape, however wrong, stops the program, and that what it
// makes of one can be walked.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`[]`, `[["e",1,1,["()",1,1,"f",[],[]]]]`, `[["=",1,1,["x"],0,null,1]]`,
		`[["import",1,1,[["Session","sqlalchemy.orm","Session",0]]],["def",2,1,"f",1,[["db","Session",null,"p"]],[],null,[["=",3,5,[[".","k","db"]],"db",null,1]],3]]`,
		`[["with",1,1,0,[["x","y"]],[["return",2,1,0]]]]`, `[["class",1,1,"C",["C"],[],[["def",2,1,"m",0,[],[],null,[],2]]]]`,
		`[["def"]]`, `[[1]]`, `{}`, `[["for",1,1,1,"x",["()",1,1,"g",[],[]],[["break",2,1]],[]]]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, err := decode(raw)
		if err != nil {
			return
		}
		p := newProject()
		p.add("a.py", append([]stmt{{kind: "import", imports: []imported{{local: "Session", module: "sqlalchemy.orm", name: "Session"}}}}, body...))
		if _, err := p.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m := p.modules[0]; m.broken != "" {
			t.Errorf("%s: %s", raw, m.broken)
		}
	})
}
