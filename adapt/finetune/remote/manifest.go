package remote

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/edge-adapt/edge/internal/digest"
)

// manifest is the object that says what an uploaded folder holds.
type manifest struct {
	Format int    `json:"format"` // manifestFormat
	Files  []file `json:"files"`  // sorted by name
}

// file is one file of a folder.
type file struct {
	Name   string        `json:"name"` // below the folder, with slashes
	Size   int64         `json:"size"`
	Digest digest.Digest `json:"digest"` // "" in a folder without a manifest

	object object // of a folder without a manifest
}

const (
	manifestFormat = 1
	manifestName   = "edge-manifest.json"
	maxManifest    = 64 << 20 // bytes: about 400,000 files
)

// parseManifest reads a manifest and checks all of it.
func parseManifest(data []byte) (manifest, error) {
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return manifest{}, err
	}
	if m.Format != manifestFormat {
		return manifest{}, fmt.Errorf("it has format %d, this program reads %d", m.Format, manifestFormat)
	}
	for _, f := range m.Files {
		if _, err := digest.Parse(string(f.Digest)); err != nil {
			return manifest{}, fmt.Errorf("%q: %w", f.Name, err)
		}
		if f.Size < 0 {
			return manifest{}, errors.New("a size is below zero")
		}
	}
	return m, checkTree(m.Files)
}

func (m manifest) bytes() ([]byte, error) {
	m.Format = manifestFormat
	data, err := json.MarshalIndent(m, "", "\t")
	return append(data, '\n'), err
}
