package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/internal/hint"
)

// ErrOtherWriter is the cause when the folder changed between two calls of the
// one that writes it.
var ErrOtherWriter = errors.New("another run writes to the same folder")

// errChanged is the cause when an object is not, or no longer, what the listing
// or the manifest said.
var errChanged = errors.New("it changed while it was read")

// answered returns the store's own account of an error, empty if it is not the
// store's.
func answered(err error) minio.ErrorResponse {
	var answer minio.ErrorResponse
	errors.As(err, &answer)
	return answer
}

// code is the store's word for an error, "" if it is not the store's.
func code(err error) string { return answered(err).Code }

// explain adds the folder to an error, and the next step to those that a person
// can do something about.
func (f *Folder) explain(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", f.url, err)
	var stranger *tls.CertificateVerificationError
	var unreachable *url.Error
	switch answer := answered(err); {
	case errors.Is(err, context.Canceled):
		return err
	case answer.Code == minio.NoSuchBucket:
		return hint.Wrap(err, "create the bucket "+f.url.Bucket+", or correct its name")
	case answer.StatusCode/100 == 4: // the request was understood, and refused
		return hint.Wrap(err, "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL, and what they may do in this bucket")
	case errors.As(err, &stranger):
		return hint.Wrap(err, "if the store's certificate is your own, name the file of who signed it in SSL_CERT_FILE")
	case errors.As(err, &unreachable):
		return hint.Wrap(err, "see whether AWS_ENDPOINT_URL is right and "+f.config.Endpoint+" can be reached")
	case errors.Is(err, unix.ENOSPC):
		return hint.Wrap(err, "free some space, or use a larger disk")
	case errors.Is(err, ErrName):
		return hint.Wrap(err, "rename the object in the bucket, or give a folder without it")
	case errors.Is(err, ErrOtherWriter):
		return hint.Wrap(err, "end one of the two, or give them different folders")
	}
	return err
}

// retry calls f again, after a pause, when a connection was cut off. Errors of
// the store have been tried again by the client, those of the disk and a change
// of the object stay.
func retry(ctx context.Context, f func() error) error {
	pause := 200 * time.Millisecond
	for try := 1; ; try++ {
		err := f()
		var disk *fs.PathError
		var unreachable *url.Error // tried by the client
		if err == nil || try == attempts || ctx.Err() != nil || code(err) != "" ||
			errors.As(err, &disk) || errors.As(err, &unreachable) || errors.Is(err, errChanged) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause *= 2
	}
}
