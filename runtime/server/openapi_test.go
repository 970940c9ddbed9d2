package server

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/models"
	"github.com/edge-adapt/edge/runtime"
	"github.com/edge-adapt/edge/runtime/server/samples"
)

// checked is openapi.yaml, against which answers are held.
type checked struct {
	doc   *openapi3.T
	paths []specPath

	mu   sync.Mutex
	seen map[string]bool // "GET /path 200"
}

type specPath struct {
	form *regexp.Regexp
	path string
	item *openapi3.PathItem
}

var parameter = regexp.MustCompile(`\\\{[a-z]+\\\}`)

var loadSpecOnce = sync.OnceValues(loadSpec)

func theSpec(tb testing.TB) *checked {
	tb.Helper()
	c, err := loadSpecOnce()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func loadSpec() (*checked, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(OpenAPI)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(loader.Context, openapi3.IsOpenAPI31OrLater()); err != nil {
		return nil, err
	}
	c := &checked{doc: doc, seen: map[string]bool{}}
	for path, item := range doc.Paths.Map() {
		form := parameter.ReplaceAllStringFunc(regexp.QuoteMeta(path), func(p string) string {
			if p == `\{name\}` {
				return ".+"
			}
			return "[^/:]+"
		})
		c.paths = append(c.paths, specPath{regexp.MustCompile("^" + form + "$"), path, item})
	}
	// What is written out wins over a parameter.
	slices.SortFunc(c.paths, func(a, b specPath) int { return strings.Count(a.path, "{") - strings.Count(b.path, "{") })
	return c, nil
}

// find returns the operation of a request, or nil.
func (c *checked) find(method, path string) (specPath, *openapi3.Operation) {
	for _, p := range c.paths {
		if op := p.item.GetOperation(method); op != nil && p.form.MatchString(path) {
			return p, op
		}
	}
	return specPath{}, nil
}

// answer holds an answer against the file.
func (c *checked) answer(tb testing.TB, req *http.Request, a answer) {
	tb.Helper()
	method := req.Method
	if method == http.MethodHead { // which has no body to be held against anything
		method, a.body = http.MethodGet, nil
		a.header.Del("Content-Type")
	}
	p, op := c.find(method, req.URL.Path)
	if op == nil {
		if a.status < 300 {
			tb.Errorf("%s %s answers %d and is not in openapi.yaml", req.Method, req.URL.Path, a.status)
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock() // the validator fills caches of its own
	if a.status < 300 {
		c.seen[method+" "+p.path] = true
	}
	contentType, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: req,
			Route:   &routers.Route{Spec: c.doc, Path: p.path, PathItem: p.item, Method: method, Operation: op},
		},
		Status: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(a.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: contentType != "application/json"},
	}
	if err := openapi3filter.ValidateResponse(tb.Context(), input); err != nil {
		tb.Errorf("%s %s answers %d with %s: %v", req.Method, req.URL.Path, a.status, a.body, err)
	}
}

// TestMain also makes sure, when all tests have run, that every operation of the
// file was answered with success, and so held against its schema, at least once.
func TestMain(m *testing.M) {
	code := m.Run()
	if c, err := loadSpecOnce(); err == nil && code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" {
		for path, item := range c.doc.Paths.Map() {
			for method := range item.Operations() {
				if !c.seen[method+" "+path] {
					fmt.Printf("FAIL: no test has seen %s %s answer with success\n", method, path)
					code = 1
				}
			}
		}
	}
	os.Exit(code)
}

// TestOpenAPI holds the routes against the file, both ways.
func TestOpenAPI(t *testing.T) {
	g := newRig(t, func(o *Options) { o.Pprof = true })
	served := map[string]bool{}
	for _, r := range g.routes {
		key := r.method + " " + r.path
		if served[key] {
			t.Errorf("%s stands twice", key)
		}
		served[key] = true
		item := g.checked.doc.Paths.Value(r.path)
		if item == nil || item.GetOperation(r.method) == nil {
			t.Errorf("%s is served and not in openapi.yaml", key)
			continue
		}
		op := item.GetOperation(r.method)
		scope, _ := op.Extensions["x-scope"].(string)
		if scope != string(r.scope) {
			t.Errorf("%s needs the scope %q, and openapi.yaml says %q", key, r.scope, scope)
		}
		if open := op.Security != nil; open != (r.kind == probe) {
			t.Errorf("%s: open to anyone: %v in openapi.yaml, %v served", key, open, r.kind == probe)
		}
		var style string
		if e := op.Responses.Default(); e != nil {
			style = e.Ref[strings.LastIndex(e.Ref, "/")+1:]
		}
		if want := map[howError]string{{styleAPI, false}: "Error", {stylePlain, false}: "PlainError"}[howError{r.style, r.kind == probe}]; style != want {
			t.Errorf("%s: errors are %q in openapi.yaml, want %q", key, style, want)
		}
	}
	for path, item := range g.checked.doc.Paths.Map() {
		for method := range item.Operations() {
			if !served[method+" "+path] {
				t.Errorf("%s %s is in openapi.yaml and not served", method, path)
			}
		}
	}
	if a := g.get("/api/openapi.yaml"); !bytes.Equal(a.body, OpenAPI) {
		t.Error("another file is served")
	}
}

type howError struct {
	style style
	probe bool
}

// TestSchemas holds the schemas against the types that are marshalled, both ways:
// answers in tests do not have every field.
func TestSchemas(t *testing.T) {
	c := theSpec(t)
	for name, v := range map[string]any{
		"Info": info{}, "Readiness": readiness{}, "Answer": runtime.Answer{}, "Score": runtime.Score{}, "Event": runtime.Event{},
		"Preprocessing": pixel.Preprocessing{}, "Base": models.Base{}, "Model": runtime.Model{}, "TaskStatus": runtime.TaskStatus{},
		"Source": runtime.SourceStatus{}, "Quantiles": runtime.Quantiles{}, "Progress": runtime.AdaptStatus{}, "Adaptation": adaptation{},
		"Sample": samples.Sample{}, "Added": samples.Added{}, "LabelCount": samples.Label{}, "FileError": fileError{}, "Generation": generation{},
		"Watch": runtime.WatchStatus{}, "UpdateStatus": UpdateStatus{}, "TaskUpdate": TaskUpdate{},
	} {
		has := map[string]bool{}
		fields(reflect.TypeOf(v), has)
		schema := c.doc.Components.Schemas[name].Value
		for field := range has {
			if schema.Properties[field] == nil {
				t.Errorf("%T has the field %s, and the schema %s does not", v, field, name)
			}
		}
		for field := range schema.Properties {
			if !has[field] {
				t.Errorf("the schema %s has the field %s, and %T does not", name, field, v)
			}
		}
	}
}

// fields collects the names that a type's fields have in JSON.
func fields(typ reflect.Type, names map[string]bool) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			fields(f.Type, names)
		case name != "-" && f.IsExported():
			names[cmp.Or(name, f.Name)] = true
		}
	}
}

// TestDocs makes sure that every address in docs/api.md is one of the file's.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "    curl") {
			continue
		}
		found++
		at := regexp.MustCompile(`(?:\$E|shelf\.local:8443)(/[^" ?\n]+)`).FindStringSubmatch(line)
		if at == nil {
			t.Errorf("no address in %s", line)
			continue
		}
		method := http.MethodGet
		if m := regexp.MustCompile(`-X ([A-Z]+)`).FindStringSubmatch(line); m != nil {
			method = m[1]
		} else if strings.Contains(line, " -F ") || strings.Contains(line, " -d ") || strings.Contains(line, " --data") {
			method = http.MethodPost
		}
		if _, op := theSpec(t).find(method, at[1]); op == nil {
			t.Errorf("%s %s is none of openapi.yaml's", method, at[1])
		}
	}
	if found < 10 {
		t.Errorf("%d examples", found)
	}
}
