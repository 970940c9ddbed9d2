package pixel

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// ReadFile returns the bytes of a picture file. One that is longer than lim
// allows is refused unread, and so is what is no regular file: a pipe would
// otherwise hold up the reader for good. Its errors do not repeat the path.
func ReadFile(path string, lim Limits) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, pathless(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, pathless(err)
	}
	most := lim.OrDefault().Bytes
	switch {
	case !info.Mode().IsRegular():
		return nil, refuse(ErrFormat, "not a file")
	case info.Size() > most:
		return nil, refuse(ErrTooLarge, "too large: %d bytes, at most %d are read", info.Size(), most)
	}
	data, err := readAll(f, make([]byte, 0, info.Size()+bytes.MinRead), most)
	return data, pathless(err)
}

// pathless returns a file system error's cause.
func pathless(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// ReadAll returns all that r holds, and refuses more than lim allows without
// reading on.
func ReadAll(r io.Reader, lim Limits) ([]byte, error) {
	return readAll(r, nil, lim.OrDefault().Bytes)
}

// readAll reads into room, and elsewhere where that does not suffice.
func readAll(r io.Reader, room []byte, most int64) ([]byte, error) {
	buffer := bytes.NewBuffer(room)
	n, err := buffer.ReadFrom(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if n > most {
		return nil, refuse(ErrTooLarge, "too large: more than %d bytes", most)
	}
	return buffer.Bytes(), nil
}
