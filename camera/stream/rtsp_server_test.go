package stream

import (
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
)

// needFFmpeg skips a test where there is no ffmpeg, which encodes, publishes and
// decodes.
func needFFmpeg(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no ffmpeg on PATH: make tools-ffmpeg installs it (root, Debian)")
	}
	return path
}

// clip is a video that ffmpeg made: one second of a test picture.
type clip struct {
	path   string
	frames int
}

const clipRate = 40

var (
	encodeH264  = []string{"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-pix_fmt", "yuv420p"}
	encodeH264B = []string{"-c:v", "libx264", "-preset", "fast", "-bf", "2", "-g", "10", "-pix_fmt", "yuv420p"}
	encodeH265  = []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:keyint=10:bframes=0", "-pix_fmt", "yuv420p"}
	mjpegClip   = []string{"-c:v", "mjpeg", "-q:v", "3", "-huffman", "default", "-force_duplicated_matrix", "1", "-pix_fmt", "yuvj420p"}
)

func makeClip(t *testing.T, width, height string, encoder []string) clip {
	t.Helper()
	c := clip{path: filepath.Join(t.TempDir(), "clip.mkv"), frames: clipRate}
	args := append([]string{"-v", "error", "-f", "lavfi", "-i", "testsrc=size=" + width + "x" + height + ":rate=40", "-t", "1"}, encoder...)
	out, err := exec.Command(needFFmpeg(t), append(args, c.path)...).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "Unknown encoder") {
			t.Skipf("this ffmpeg has no %s", encoder[1])
		}
		t.Fatalf("making a clip: %v: %s", err, out)
	}
	return c
}

// pictures decodes the clip with ffmpeg alone: what must come out at our end.
func (c clip) pictures(t *testing.T, size int) (all [][]byte) {
	t.Helper()
	out, err := exec.Command(needFFmpeg(t), "-v", "error", "-i", c.path, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1").Output()
	if err != nil || len(out) != size*c.frames {
		t.Fatalf("%d bytes, %v", len(out), err)
	}
	for i := range c.frames {
		all = append(all, out[i*size:(i+1)*size])
	}
	return all
}

// rtspServer is a real RTSP server on loopback, to which an ffmpeg process publishes
// a clip, over and over, as a camera would.
type rtspServer struct {
	t       *testing.T
	address string
	clip    clip
	// All of this is set before start.
	user, password string
	methods        []auth.VerifyMethod
	tls            *tls.Config
	udp            bool
	moved          string // where readers are sent

	mu        sync.Mutex
	server    *gortsplib.Server
	stream    *gortsplib.ServerStream
	publisher *gortsplib.ServerSession
	ffmpeg    *exec.Cmd
	seen      []string // requests of readers, in words
	silent    bool     // nothing is passed on
}

func (s *rtspServer) start() {
	s.t.Helper()
	if s.address == "" {
		s.address = "127.0.0.1:0"
	}
	listener, err := listenAgain(s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = listener.Addr().String()
	server := &gortsplib.Server{
		Handler: s, RTSPAddress: s.address, TLSConfig: s.tls, AuthMethods: s.methods,
		Listen: func(string, string) (net.Listener, error) { return listener, nil },
	}
	if s.udp {
		server.UDPRTPAddress, server.UDPRTCPAddress = freePair(s.t)
	}
	s.mu.Lock()
	s.server = server
	s.mu.Unlock()
	if err := server.Start(); err != nil {
		s.t.Fatal(err)
	}
	if s.clip.path != "" {
		s.publish()
	}
}

// freePair finds two ports one after the other, the first of them even, as RTP wants
// them.
func freePair(t *testing.T) (string, string) {
	for range 100 {
		a, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := a.LocalAddr().(*net.UDPAddr)
		a.Close()
		next := &net.UDPAddr{IP: addr.IP, Port: addr.Port + 1}
		if addr.Port%2 == 1 {
			continue
		}
		if b, err := net.ListenUDP("udp", next); err == nil {
			b.Close()
			return addr.String(), next.String()
		}
	}
	t.Fatal("no two free ports")
	return "", ""
}

func (s *rtspServer) publish() {
	s.t.Helper()
	scheme := "rtsp"
	if s.tls != nil {
		scheme = "rtsps"
	}
	cmd := exec.Command(needFFmpeg(s.t), "-v", "error", "-re", "-stream_loop", "-1", "-i", s.clip.path, "-c", "copy",
		"-f", "rtsp", "-rtsp_transport", "tcp", scheme+"://"+s.address+"/cam")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ffmpeg = cmd
	for end := time.Now().Add(deadline); ; time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		ready := s.stream != nil
		s.mu.Unlock()
		if ready {
			return
		}
		if time.Now().After(end) {
			s.t.Fatal("ffmpeg does not publish")
		}
	}
}

// kill ends the server and the camera behind it at once.
func (s *rtspServer) kill() {
	s.mu.Lock()
	server, stream, cmd := s.server, s.stream, s.ffmpeg
	s.server, s.stream, s.ffmpeg = nil, nil, nil
	s.mu.Unlock()
	if cmd != nil {
		cmd.Process.Kill()
		cmd.Wait()
	}
	if stream != nil {
		stream.Close()
	}
	if server != nil {
		server.Close()
	}
}

// newRTSP returns a server that has started.
func newRTSP(t *testing.T, c clip, change ...func(*rtspServer)) *rtspServer {
	t.Helper()
	s := &rtspServer{t: t, clip: c}
	for _, f := range change {
		f(s)
	}
	t.Cleanup(s.kill)
	s.start()
	return s
}

func (s *rtspServer) url() string { return "rtsp://" + s.address + "/cam" }

func (s *rtspServer) requests() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.seen, "\n")
}

// OnRequest keeps what a reader sends.
func (s *rtspServer) OnRequest(_ *gortsplib.ServerConn, r *base.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, r.String())
}

func (s *rtspServer) refuse(conn *gortsplib.ServerConn, r *base.Request) (*base.Response, error) {
	if s.user == "" || conn.VerifyCredentials(r, s.user, s.password) {
		return nil, nil
	}
	return &base.Response{StatusCode: base.StatusUnauthorized}, liberrors.ErrServerAuth{}
}

// OnDescribe tells a reader what there is.
func (s *rtspServer) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if r, err := s.refuse(ctx.Conn, ctx.Request); r != nil {
		return r, nil, err
	}
	if s.moved != "" {
		return &base.Response{StatusCode: base.StatusFound, Header: base.Header{"Location": base.HeaderValue{s.moved}}}, nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil || ctx.Path != "/cam" {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

// OnAnnounce takes the publisher.
func (s *rtspServer) OnAnnounce(ctx *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stream := &gortsplib.ServerStream{Server: s.server, Desc: ctx.Description}
	if err := stream.Initialize(); err != nil { //nolint:misspell // its name
		return &base.Response{StatusCode: base.StatusBadRequest}, err
	}
	s.stream, s.publisher = stream, ctx.Session
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnSetup prepares a publisher or a reader.
func (s *rtspServer) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if ctx.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	if r, err := s.refuse(ctx.Conn, ctx.Request); r != nil {
		return r, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stream == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s.stream, nil
}

// OnPlay begins to play.
func (s *rtspServer) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// OnRecord passes the publisher's packets on to the readers.
func (s *rtspServer) OnRecord(ctx *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s.mu.Lock()
	stream := s.stream
	s.mu.Unlock()
	ctx.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) {
		s.mu.Lock()
		silent := s.silent
		s.mu.Unlock()
		if !silent {
			stream.WritePacketRTP(m, p)
		}
	})
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// arguments of all processes of this machine that can be seen, for what must not be
// in them.
func allArguments(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil {
			all.Write(append(b, '\n'))
		}
	}
	return all.String()
}
