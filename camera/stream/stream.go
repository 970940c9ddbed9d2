// Package stream takes pictures from the network: MJPEG and single images over
// HTTP, and RTSP with H.264, H.265 or MJPEG.
//
// HTTP and RTSP are spoken here, in Go; only H.264 and H.265 are decoded by an
// ffmpeg child process, which gets nothing but the video itself. User and password
// therefore stay in this process: they are in no child's arguments, no error and no
// log. They are sent to the host that the address names and to no other, and in the
// clear only to a server that offers nothing better. Certificates are verified.
// What comes is bounded: bytes a picture, pixels, redirects, and how long it may be
// silent.
package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// Options says how a stream is opened. The zero value serves.
type Options struct {
	// Width and Height ask for pictures of this size, of H.264 and H.265 alone,
	// where it saves work: what is scaled down does not pass through a pipe. Of
	// one that is zero the camera's proportions make something. Both zero: as the
	// camera sends them.
	Width, Height int
	// Rate is how often a single image is fetched, times a second. Zero: 1.
	Rate float64
	// Limits bound a picture.
	Limits pixel.Limits
	// Stall is how long there may be no picture before Read says
	// camera.ErrStalled. Zero: 10 s.
	Stall time.Duration
	// UDP receives RTSP's video in datagrams. They cost a little less time than
	// one TCP connection, and get lost. False: TCP.
	UDP bool
	// FFmpeg is the program's name or path. Empty: ffmpeg, from PATH.
	FFmpeg string
	// TLS says which certificates are believed, for https and rtsps. It is not
	// changed. Nil: those that the system believes.
	TLS *tls.Config
}

// maxRedirects is how often a server may send us elsewhere.
const maxRedirects = 5

// Open opens http://, https://, rtsp:// or rtsps://. ctx bounds the opening alone.
//
// A web address is MJPEG if the server answers with a stream of pictures, and is
// fetched again and again if it answers with one picture.
func Open(ctx context.Context, uri string, o Options) (camera.Source, error) {
	u, err := parse(uri)
	if err != nil {
		return nil, err
	}
	var source camera.Source
	if u.Scheme == "http" || u.Scheme == "https" {
		source, err = openHTTP(ctx, u, o)
	} else {
		source, err = openRTSP(ctx, u, o)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("%s: %w", camera.Redact(uri), err)
	}
	return source, nil
}

// Check reports whether uri can be understood, without opening it.
func Check(uri string) error {
	_, err := parse(uri)
	return err
}

func parse(uri string) (*url.URL, error) {
	u, err := url.Parse(uri)
	if err != nil {
		// The parser's error repeats what it did not understand, which may be a
		// password.
		return nil, hint.Wrap(fmt.Errorf("%s cannot be understood: %w", camera.Redact(uri), camera.ErrBadURI),
			"write scheme://USER:PASSWORD@HOST:PORT/PATH, with %40 for @, %2F for / and %25 for % in a password")
	}
	switch u.Scheme {
	case "http", "https", "rtsp", "rtsps":
	default:
		return nil, fmt.Errorf("%q is no address of a network camera: %w", u.Scheme, camera.ErrBadURI)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("%s names no host: %w", camera.Redact(uri), camera.ErrBadURI)
	}
	return u, nil
}

// redirected returns where a server at u sends us: the same scheme, and the user and
// password only if it is the same host.
func redirected(u *url.URL, location string) (*url.URL, error) {
	next, err := u.Parse(location)
	switch {
	case err == nil && next.Scheme != u.Scheme:
		return nil, hint.Wrap(fmt.Errorf("the server sends us from %s to %s, which is not followed", u.Scheme, next.Scheme),
			"use the address it sends to: "+camera.Redact(next.String()))
	case err != nil || next.Hostname() == "":
		return nil, errors.New("the server sends us to an address that cannot be understood")
	}
	next.User = nil
	if next.Host == u.Host {
		next.User = u.User
	}
	return next, nil
}

// unauthorised is the error of a server that wants a password.
func unauthorised(user *url.Userinfo, scheme string) error {
	if user == nil {
		return hint.Wrap(errors.New("the server wants a user and a password"), "write them into the address: "+scheme+"://USER:PASSWORD@HOST/…")
	}
	return hint.Wrap(errors.New("the server refuses this user or password"),
		"try them in the camera's own page; many cameras refuse everybody for some minutes after a few wrong tries")
}
