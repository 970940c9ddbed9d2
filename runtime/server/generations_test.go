package server

import (
	"slices"
	"strings"
	"testing"
)

func TestGenerations(t *testing.T) {
	g := newRig(t)
	const all = "/api/tasks/lamps/generations"
	type list struct {
		Task        string
		Problem     string
		Generations []struct {
			Generation                               int
			Labels                                   []string
			Serving, Current, Previous, Shadow, Good bool
		}
	}
	look := func() (l list) {
		t.Helper()
		g.get(all).json(t, &l)
		return l
	}
	l := look()
	if len(l.Generations) != 2 || l.Generations[0].Generation != 2 || !l.Generations[1].Serving || !l.Generations[1].Current || l.Generations[0].Serving {
		t.Fatalf("%+v", l)
	}
	if !slices.Equal(l.Generations[0].Labels, rgbLabels) {
		t.Errorf("%+v", l)
	}
	g.want(g.send("POST", all+"/2/shadow", nil), 200, `"shadow":true`)
	g.want(g.send("DELETE", all+"/shadow", nil), 204, "")
	g.want(g.send("POST", all+"/1/mark-good", nil), 200, `"good":true`)
	g.want(g.send("POST", all+"/2/activate", []byte(`{"why":"it is better"}`)), 200, `"serving":true,"current":true`)
	if l = look(); !l.Generations[0].Serving || !l.Generations[1].Previous || !l.Generations[1].Good {
		t.Errorf("%+v", l)
	}
	history, err := g.store.History("lamps")
	if err != nil || !strings.Contains(history[len(history)-1].Why, "it is better (over HTTP: loopback)") {
		t.Errorf("%+v %v", history, err)
	}
	g.want(g.send("POST", all+"/rollback", []byte(`{}`)), 200, `"generation":1,`)
	if l = look(); !l.Generations[1].Serving {
		t.Errorf("%+v", l)
	}
	g.want(g.send("POST", all+"/2/mark-good", []byte(`{"why":"by hand"}`)), 200, `"good":true`)
	g.want(g.get(all+"/1"), 200, `"serving":true`)
	g.want(g.get(all+"/9"), 404, "generation 9")
	for _, n := range []string{"0", "-1", "01", "x", "1e3", "99999999999999999999"} {
		g.want(g.get(all+"/"+n), 404, "is no generation")
		g.want(g.send("POST", all+"/"+n+"/activate", nil), 404, "is no generation")
	}
	g.want(g.send("POST", all+"/9/activate", nil), 404, "generation 9")
	g.want(g.send("POST", all+"/9/shadow", nil), 404, "generation 9")
	g.want(g.send("POST", all+"/9/mark-good", nil), 404, "generation 9")
	g.want(g.send("POST", all+"/2/activate", []byte(`{"reason":"x"}`)), 400, "unknown field")
	g.want(g.send("POST", all+"/2/activate", []byte(`{} {}`)), 400, "more than one value")
	g.want(g.send("POST", all+"/2/activate", []byte(`{"why":"`+strings.Repeat("x", 70_000)+`"}`)), 413, "")
	g.addEmpty()
	g.want(g.get("/api/tasks/empty/generations"), 200, `"generations":[]`)
	g.want(g.send("POST", "/api/tasks/empty/generations/rollback", nil), 404, "")
}
