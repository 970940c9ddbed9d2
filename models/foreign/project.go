package foreign

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/edge-adapt/edge/internal/hint"
)

const (
	manifestName = "manifest.json"
	maxManifest  = 16 << 20

	// between stands between a class and the number of a picture.
	between = "-!-"
)

// Project is a project of Teachable Machine: classes and their pictures. It must
// be closed.
type Project struct {
	Version string // of the program that wrote it; "" if it does not say
	Classes []ProjectClass

	pictures []picture
	closer   io.Closer
}

// ProjectClass is one class of a project.
type ProjectClass struct {
	Name     string `json:"name"`   // as the project has it
	Folder   string `json:"folder"` // what Unpack calls its folder: the name, unless that can be none
	Pictures int    `json:"pictures"`
}

// picture is a picture of a project, and where Unpack puts it.
type picture struct {
	entry
	class int
	file  string // in the class' folder
}

// isProject reports whether the files are those of a project: a manifest that
// names its kind, or pictures that are named as a project's are.
func isProject(list []entry) bool {
	if slices.ContainsFunc(list, func(e entry) bool { return strings.Contains(e.name, between) }) {
		return true
	}
	e, ok := manifestOf(list)
	if !ok {
		return false
	}
	m, err := readManifest(e)
	return err == nil && m.Type != ""
}

func manifestOf(list []entry) (entry, bool) {
	for _, e := range list {
		if e.name == manifestName {
			return e, true
		}
	}
	return entry{}, false
}

// manifest is what is read of manifest.json.
type manifest struct {
	Type    string `json:"type"`
	Version string `json:"version"`
}

func readManifest(e entry) (manifest, error) {
	data, err := e.read(maxManifest)
	if err != nil {
		return manifest{}, err
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return manifest{}, fmt.Errorf("%s: %w", manifestName, err)
	}
	return m, nil
}

// OpenProject reads what is in a project: the .tm file, which is a zip, or a folder
// into which it was unpacked. It reads no picture. Projects of sounds and of poses
// are refused.
func OpenProject(path string) (*Project, error) {
	p, err := openProject(path)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", path, err)
	}
	return p, nil
}

func openProject(path string) (*Project, error) {
	list, closer, err := entries(path)
	if err != nil {
		return nil, err
	}
	p := &Project{closer: closer}
	if err := p.read(list); err != nil {
		_ = closer.Close()
		return nil, err
	}
	return p, nil
}

func (p *Project) read(list []entry) error {
	if e, ok := manifestOf(list); ok {
		m, err := readManifest(e)
		if err != nil {
			return err
		}
		if m.Type != "image" {
			return hint.Wrap(fmt.Errorf("a project of the kind %q: %w", m.Type, ErrUnknown), "edge tells pictures apart: give an image project")
		}
		p.Version = m.Version
	}
	index := map[string]int{} // of classes, by name
	taken := map[string]bool{}
	for _, e := range list {
		at := strings.LastIndex(e.name, between)
		if at < 0 {
			continue
		}
		name := e.name[:at]
		class, ok := index[name]
		if !ok {
			class = len(p.Classes)
			index[name] = class
			p.Classes = append(p.Classes, ProjectClass{Name: name, Folder: unused(taken, "", folderName(name))})
		}
		c := &p.Classes[class]
		c.Pictures++
		p.pictures = append(p.pictures, picture{e, class, unused(taken, c.Folder+"/", fileName(e.name[at+len(between):]))})
	}
	if len(p.pictures) == 0 {
		return hint.Wrap(fmt.Errorf("a project without pictures: %w", ErrUnknown), "add pictures to its classes in Teachable Machine, and download the project again")
	}
	return nil
}

// Close ends reading.
func (p *Project) Close() error { return p.closer.Close() }

// unused returns a name that is not taken in the folder within, and takes it.
func unused(taken map[string]bool, within, name string) string {
	ext := path.Ext(name)
	for n, try := 1, name; ; {
		if !taken[within+try] {
			taken[within+try] = true
			return try
		}
		n++
		try = strings.TrimSuffix(name, ext) + "_" + strconv.Itoa(n) + ext
	}
}

// maxFolder bounds the name of a folder, in bytes; file systems end at 255.
const maxFolder = 200

// folderName makes a folder's name of a class': one that names nothing else, that
// is not hidden, and that a labels file can hold.
func folderName(class string) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == utf8.RuneError || unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return '_'
		}
		return r
	}, class)
	name = strings.TrimSpace(name)
	if strings.HasPrefix(name, ".") {
		name = "_" + name[1:]
	}
	for len(name) > maxFolder {
		_, n := utf8.DecodeLastRuneInString(name)
		name = strings.TrimSpace(name[:len(name)-n])
	}
	if name == "" {
		return "class"
	}
	return name
}

// fileName makes a file's name of what stands behind the class.
func fileName(rest string) string {
	plain := func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '.' || r == '_' || r == '-')
	}
	if rest == "" || len(rest) > 100 || rest[0] == '.' || strings.ContainsFunc(rest, func(r rune) bool { return !plain(r) }) {
		return "picture"
	}
	return rest
}
