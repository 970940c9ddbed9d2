package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"
)

// flameGraph returns pprof's own flame graph of a profile as a page that needs
// nothing else. No server runs: the page is asked of its handler.
func flameGraph(ctx context.Context, p *profile.Profile) ([]byte, error) {
	shown := p.Copy()
	anonymous(shown)
	var page []byte
	quiet := &quietUI{}
	err := driver.PProf(&driver.Options{
		Flagset: &arguments{
			FlagSet: flag.NewFlagSet("pprof", flag.ContinueOnError),
			list:    []string{"-http=127.0.0.1:1", "-no_browser", "-symbolize=none", "edge adapt"}, //nolint:misspell // its flag
		},
		Fetch: fetched{shown},
		UI:    quiet,
		HTTPServer: func(args *driver.HTTPServerArgs) error {
			answer := httptest.NewRecorder()
			args.Handlers["/flamegraph"].ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, "/flamegraph", nil))
			if answer.Code != http.StatusOK {
				return fmt.Errorf("flame graph: %s", answer.Body)
			}
			page = answer.Body.Bytes()
			return nil
		},
	})
	if err == nil && len(page) == 0 {
		err = fmt.Errorf("flame graph: no page: %s", bytes.TrimSpace(quiet.said.Bytes()))
	}
	return page, err
}

// anonymous takes folders out of a profile, which are the machine's own, and
// names places in libraries, of which nothing else is known, by the library.
func anonymous(p *profile.Profile) {
	for _, m := range p.Mapping {
		m.File = filepath.Base(m.File)
	}
	for _, f := range p.Function {
		f.Filename = strings.TrimPrefix(f.Filename, "github.com/edge-adapt/edge/")
		if filepath.IsAbs(f.Filename) {
			f.Filename = filepath.Base(f.Filename)
		}
	}
	libraries := map[string]*profile.Function{}
	for _, l := range p.Location {
		if len(l.Line) > 0 || l.Mapping == nil {
			continue
		}
		name := l.Mapping.File
		if libraries[name] == nil {
			f := &profile.Function{ID: uint64(len(p.Function)) + 1, Name: name, SystemName: name}
			p.Function = append(p.Function, f)
			libraries[name] = f
		}
		l.Line = []profile.Line{{Function: libraries[name]}}
	}
}

// fetched gives the profile to pprof.
type fetched struct{ profile *profile.Profile }

func (f fetched) Fetch(string, time.Duration, time.Duration) (*profile.Profile, string, error) {
	return f.profile, "", nil
}

// arguments are pprof's command line.
type arguments struct {
	*flag.FlagSet
	list []string
}

func (a *arguments) StringList(name, def, usage string) *[]*string {
	return &[]*string{a.String(name, def, usage)}
}

func (a *arguments) ExtraUsage() string   { return "" }
func (a *arguments) AddExtraUsage(string) {}

func (a *arguments) Parse(func()) []string {
	if err := a.FlagSet.Parse(a.list); err != nil {
		return nil
	}
	return a.Args()
}

// quietUI keeps what pprof says.
type quietUI struct{ said bytes.Buffer }

func (*quietUI) ReadLine(string) (string, error)     { return "", fmt.Errorf("nobody is there") }
func (u *quietUI) Print(args ...any)                 { fmt.Fprintln(&u.said, args...) }
func (u *quietUI) PrintErr(args ...any)              { fmt.Fprintln(&u.said, args...) }
func (*quietUI) IsTerminal() bool                    { return false }
func (*quietUI) WantBrowser() bool                   { return false }
func (*quietUI) SetAutoComplete(func(string) string) {}
