package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/edge-adapt/edge/adapt/device"
	"github.com/edge-adapt/edge/models/export"
)

func exportFrigate() exportFormat {
	return exportFormat{
		name:  "frigate",
		what:  "model.tflite and labelmap.txt in a folder or .zip, for Frigate's custom classification",
		write: writeFrigate,
	}
}

func writeFrigate(ctx context.Context, e *exporting) (done exported, err error) {
	data, err := e.model.Frigate()
	if err != nil {
		return done, device.InputError{Err: err}
	}
	contents := []frigateFile{{export.FrigateModelName, data}, {export.FrigateLabelsName, e.model.LabelLines()}}
	if strings.EqualFold(filepath.Ext(e.out), ".zip") {
		done.Files, err = e.writeFrigateZip(ctx, contents)
	} else {
		done.Files, err = e.writeFrigateFolder(ctx, contents)
	}
	if err != nil {
		return done, err
	}
	done.Input = fmt.Sprintf("%dx%d RGB, uint8", export.FrigateSide, export.FrigateSide)
	if p := e.model.Preprocessing; p.Width != export.FrigateSide || p.Height != export.FrigateSide {
		done.Input += fmt.Sprintf(", resampled inside to %dx%d", p.Width, p.Height)
	}
	done.Head = e.headInWords() + "; scores rounded to bytes"
	return done, nil
}

// frigateTolerance is how far Frigate's scores may differ from edge's.
func (e *exporting) frigateTolerance() float64 {
	p := e.model.Preprocessing
	if e.quantised() && (p.Width != export.FrigateSide || p.Height != export.FrigateSide) {
		return byByte + rounded
	}
	return byByte
}

// frigateFile is one of the files that Frigate wants.
type frigateFile struct {
	name string
	data []byte
}

// writeFrigateFolder writes the files into the folder e.out, which may be the
// model's in Frigate's configuration. Other files there stay.
func (e *exporting) writeFrigateFolder(ctx context.Context, contents []frigateFile) (_ []exportedFile, err error) {
	for _, f := range contents {
		if err := e.free(filepath.Join(e.out, f.name)); err != nil {
			return nil, err
		}
	}
	_, statErr := os.Lstat(e.out)
	if err := os.MkdirAll(e.out, 0o755); err != nil {
		return nil, err
	}
	var pending []*renameio.PendingFile
	defer func() {
		for _, p := range pending {
			err = errors.Join(err, p.Cleanup()) // nothing, once it has its name
		}
		if err != nil && os.IsNotExist(statErr) {
			_ = os.Remove(e.out) // made here, and empty if nothing got its name
		}
	}()
	var files []exportedFile
	for _, f := range contents {
		path := filepath.Join(e.out, f.name)
		p, err := e.pending(path, f.data)
		if err != nil {
			return nil, err
		}
		pending = append(pending, p)
		files = append(files, newExportedFile(path, f.data))
	}
	if err := e.compare(ctx, pending[0].Name(), e.frigateTolerance()); err != nil {
		return nil, err
	}
	for _, p := range pending {
		if err := p.CloseAtomicallyReplace(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// writeFrigateZip writes the files as one archive.
func (e *exporting) writeFrigateZip(ctx context.Context, contents []frigateFile) (_ []exportedFile, err error) {
	if err := e.free(e.out); err != nil {
		return nil, err
	}
	model, err := e.pending(e.out, contents[0].data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, model.Cleanup()) }()
	if err := e.compare(ctx, model.Name(), e.frigateTolerance()); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range contents {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	if err := renameio.WriteFile(e.out, b.Bytes(), 0o644, renameio.WithTempDir(filepath.Dir(e.out))); err != nil {
		return nil, err
	}
	return []exportedFile{newExportedFile(e.out, b.Bytes())}, nil
}
