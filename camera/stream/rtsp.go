package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/pion/rtp"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/camera/child"
	"github.com/edge-adapt/edge/camera/live"
	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/hint"
)

// openRTSP asks what the camera has, and sets up the first video that can be used.
// Playing begins with the source.
func openRTSP(ctx context.Context, u *url.URL, o Options) (camera.Source, error) {
	session, err := describe(ctx, u, o)
	if err != nil {
		return nil, err
	}
	source, err := session.setUp(ctx, o)
	if err != nil {
		session.client.Close()
		return nil, err
	}
	return source, nil
}

// session is a connection to a server that has said what it sends.
type session struct {
	client      *gortsplib.Client
	description *description.Session
	device      string // the address for people
}

// describe connects, and goes where the server sends us, up to maxRedirects times.
func describe(ctx context.Context, u *url.URL, o Options) (*session, error) {
	device := camera.Redact(u.String())
	for hops := 0; ; hops++ {
		client, location := newRTSPClient(u, o)
		if err := client.Start(); err != nil {
			return nil, err
		}
		stop := context.AfterFunc(ctx, client.Close)
		d, _, err := client.Describe((*base.URL)(u))
		if !stop() && err == nil {
			err = ctx.Err()
		}
		if err == nil {
			return &session{client, d, device}, nil
		}
		client.Close()
		switch {
		case *location == "":
			return nil, rtspError(err, u)
		case hops == maxRedirects:
			return nil, fmt.Errorf("the server sends us on and on, %d times", hops)
		}
		if u, err = redirected(u, *location); err != nil {
			return nil, err
		}
	}
}

// newRTSPClient returns a client for the server of u, and where the address is put
// that the server sends us to.
func newRTSPClient(u *url.URL, o Options) (*gortsplib.Client, *string) {
	location := new(string)
	protocol := gortsplib.ProtocolTCP
	if o.UDP {
		protocol = gortsplib.ProtocolUDP
	}
	c := &gortsplib.Client{
		Scheme: u.Scheme, Host: u.Host, Protocol: &protocol, UserAgent: "edge",
		// The library would follow a redirect to anywhere, with the password.
		OnResponse: func(r *base.Response) {
			if r.StatusCode >= 300 && r.StatusCode < 400 && len(r.Header["Location"]) > 0 {
				*location = r.Header["Location"][0]
				delete(r.Header, "Location")
			}
		},
		// It would write to the program's log.
		OnTransportSwitch: func(error) {},
		OnPacketsLost:     func(uint64) {},
		OnDecodeError:     func(error) {},
	}
	if o.Stall > 0 {
		c.ReadTimeout = o.Stall
	}
	if u.Scheme == "rtsps" {
		c.TLSConfig = o.TLS.Clone()
		if c.TLSConfig == nil {
			c.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if c.TLSConfig.ServerName == "" {
			c.TLSConfig.ServerName = u.Hostname()
		}
	}
	return c, location
}

// setUp chooses what is played.
func (s *session) setUp(ctx context.Context, o Options) (camera.Source, error) {
	options := live.Options{Info: camera.Info{Driver: "stream", Device: s.device}, Stall: o.Stall}
	var media *description.Media
	var p player
	for _, m := range s.description.Medias {
		for _, f := range m.Formats {
			if media == nil && !m.IsBackChannel {
				if p = s.playerOf(m, f, o); p != nil {
					media = m
				}
			}
		}
	}
	if media == nil {
		return nil, hint.Wrap(fmt.Errorf("the camera sends %s, and none of it can be used: %w", s.sends(), camera.ErrUnsupported),
			"set the camera to H.264, H.265 or MJPEG")
	}
	if err := p.prepare(ctx, &options, o); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, s.client.Close)
	_, err := s.client.Setup(s.description.BaseURL, media, 0, 0)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, rtspError(err, nil)
	}
	options.Produce = p.play
	return live.New(options), nil
}

// sends names what the server has.
func (s *session) sends() string {
	var names []string
	for _, m := range s.description.Medias {
		for _, f := range m.Formats {
			names = append(names, f.Codec())
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// player plays one media.
type player interface {
	// prepare looks whether all that is needed is there, and completes the
	// source's options.
	prepare(ctx context.Context, options *live.Options, o Options) error
	// play plays until ctx ends, and closes the session.
	play(ctx context.Context, put func([]byte) []byte) error
}

// playerOf returns what plays a format, nil if nothing does. The callbacks run in
// the library's goroutine.
func (s *session) playerOf(m *description.Media, f format.Format, o Options) player {
	switch f := f.(type) {
	case *format.H264:
		decoder, err := f.CreateDecoder()
		if err != nil {
			return nil
		}
		sps, pps := f.SafeParams()
		return s.video(m, f, newFeeder(codecH264, sps, pps), decoder.Decode)
	case *format.H265:
		decoder, err := f.CreateDecoder()
		if err != nil {
			return nil
		}
		vps, sps, pps := f.SafeParams()
		return s.video(m, f, newFeeder(codecH265, vps, sps, pps), decoder.Decode)
	case *format.MJPEG:
		decoder, err := f.CreateDecoder()
		if err != nil {
			return nil
		}
		return &jpegPlayer{session: s, media: m, format: f, decode: decoder.Decode, limits: o.Limits}
	}
	return nil
}

func (s *session) video(m *description.Media, f format.Format, feed *feeder, decode func(*rtp.Packet) ([][]byte, error)) player {
	return &videoPlayer{session: s, media: m, format: f, feeder: feed, decode: decode}
}

// receive calls take with each packet, and plays until ctx ends or the connection
// fails. A fault in taking a packet apart costs that packet.
func (s *session) receive(ctx context.Context, m *description.Media, f format.Format, take func(*rtp.Packet)) error {
	s.client.OnPacketRTP(m, f, func(p *rtp.Packet) {
		defer func() { _ = recover() }()
		take(p)
	})
	stop := context.AfterFunc(ctx, s.client.Close)
	defer stop()
	defer s.client.Close()
	_, err := s.client.Play(nil)
	if err == nil {
		err = s.client.Wait()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return rtspError(err, nil)
}

// jpegPlayer plays MJPEG, which needs no other program.
type jpegPlayer struct {
	*session
	media  *description.Media
	format format.Format
	decode func(*rtp.Packet) ([]byte, error)
	limits pixel.Limits
}

func (p *jpegPlayer) prepare(_ context.Context, options *live.Options, o Options) error {
	options.Info.Format = "MJPG"
	options.Decode = func(dst *pixel.RGB, picture []byte) error { return pixel.DecodeInto(dst, picture, o.Limits) }
	return nil
}

func (p *jpegPlayer) play(ctx context.Context, put func([]byte) []byte) error {
	return p.receive(ctx, p.media, p.format, func(packet *rtp.Packet) {
		if picture, err := p.decode(packet); err == nil {
			put(picture) // made for us, and ours
		}
	})
}

// videoPlayer plays H.264 and H.265 through ffmpeg.
type videoPlayer struct {
	*session
	*feeder
	media  *description.Media
	format format.Format
	decode func(*rtp.Packet) ([][]byte, error)

	ffmpeg ffmpeg
	args   []string
	limits pixel.Limits
}

func (p *videoPlayer) prepare(ctx context.Context, options *live.Options, o Options) (err error) {
	if p.ffmpeg, err = findFFmpeg(ctx, o.FFmpeg); err != nil {
		return fmt.Errorf("decoding %s: %w", p.codec.name, err)
	}
	p.args, p.limits = p.ffmpeg.arguments(p.codec, o.Width, o.Height), o.Limits
	options.Info.Format = p.codec.name
	options.Decode = decodeRaw
	return nil
}

// play joins three that run at once: packets come in, access units go to ffmpeg,
// pictures come out. The first that fails ends the others.
func (p *videoPlayer) play(ctx context.Context, put func([]byte) []byte) error {
	decoder, err := child.Start(child.Options{Program: p.ffmpeg.program, Args: p.args, Stdin: true, Install: installFFmpeg})
	if err != nil {
		p.client.Close()
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 2)
	written := make(chan struct{})
	go func() {
		failed <- p.receive(ctx, p.media, p.format, func(packet *rtp.Packet) {
			if units, err := p.decode(packet); err == nil {
				p.add(units)
			}
		})
	}()
	go func() { failed <- decoderError(readPPM(decoder, p.limits, put)) }()
	go func() {
		defer close(written)
		p.write(ctx, decoder)
	}()
	err = <-failed
	cancel()
	_ = decoder.Close()
	<-failed //nolint:errcheck // what the end of the first brought about
	<-written
	return err
}

// write passes access units on. Where ffmpeg takes no more, its output says why.
func (p *videoPlayer) write(ctx context.Context, decoder *child.Process) {
	for {
		select {
		case unit := <-p.units:
			if _, err := decoder.Write(unit); err != nil {
				return
			}
			p.recycle(unit)
		case <-ctx.Done():
			return
		}
	}
}

// decoderError is what ended ffmpeg, which should not end.
func decoderError(err error) error {
	if errors.Is(err, camera.ErrClosed) {
		return err
	}
	return fmt.Errorf("the decoder ended: %w", err)
}

// rtspError gives an error of the library its reason and its next step. u is the
// address that was asked for, if it matters.
func rtspError(err error, u *url.URL) error {
	var status liberrors.ErrClientBadStatusCode
	var tcp liberrors.ErrClientTCPTimeout
	var udp liberrors.ErrClientUDPTimeout
	switch {
	case errors.As(err, &status) && status.Code == http.StatusUnauthorized:
		if u == nil {
			u = &url.URL{Scheme: "rtsp"}
		}
		return unauthorised(u.User, u.Scheme)
	case errors.As(err, &status) && status.Code == http.StatusNotFound:
		return hint.Wrap(errors.New("the server has nothing at this address (404)"), "look into the camera's manual for the path of its stream")
	case errors.As(err, &status):
		return fmt.Errorf("the server answers %d %s", status.Code, status.Message)
	case errors.As(err, &tcp), errors.As(err, &udp):
		return fmt.Errorf("%w: %w", camera.ErrStalled, err)
	}
	return connectionError(err)
}
