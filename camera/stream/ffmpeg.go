package stream

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/edge-adapt/edge/camera/child"
	"github.com/edge-adapt/edge/camera/pixel"
)

// installFFmpeg is the next step where there is no ffmpeg.
const installFFmpeg = "apt-get install ffmpeg, or name the program with the option ffmpeg; a camera that sends MJPEG needs none"

// ffmpeg is the program that decodes.
type ffmpeg struct {
	program string
	// passthrough are the arguments that give one picture out for one in.
	passthrough []string
}

// findFFmpeg looks whether there is a working ffmpeg.
func findFFmpeg(ctx context.Context, program string) (f ffmpeg, err error) {
	f.program = program
	if program == "" {
		f.program = "ffmpeg"
	}
	out, err := child.Run(ctx, child.Options{Program: f.program, Args: []string{"-hide_banner", "-version"}, Install: installFFmpeg}, 4096)
	if err != nil {
		return f, err
	}
	f.passthrough = []string{"-fps_mode", "passthrough"}
	if before51(string(out)) {
		f.passthrough = []string{"-vsync", "0"}
	}
	return f, nil
}

// before51 reports whether a version is lower than 5.1, which brought the option
// fps_mode; the older vsync is on its way out. Versions without a number are those of
// people who build it anew each day.
func before51(version string) bool {
	_, version, _ = strings.Cut(version, "version ")
	version = strings.TrimPrefix(version, "n")
	numbers := strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if len(numbers) < 2 || version == "" || version[0] < '0' || version[0] > '9' {
		return false
	}
	major, _ := strconv.Atoi(numbers[0])
	minor, _ := strconv.Atoi(numbers[1])
	return major < 5 || major == 5 && minor < 1
}

// arguments decode what comes on standard input to pictures on standard output. Each
// picture says how large it is (PPM), so that nothing has to be known beforehand,
// and a camera may change its mind. Little is probed, because the format is known:
// that is five seconds less to the first picture.
func (f ffmpeg) arguments(c *codec, width, height int) []string {
	args := []string{
		"-hide_banner", "-loglevel", "error", "-flags", "low_delay",
		"-probesize", "32", "-analyzeduration", "0", "-f", c.format, "-i", "pipe:0", "-an",
	}
	args = append(args, f.passthrough...)
	if width > 0 || height > 0 {
		args = append(args, "-vf", "scale="+side(width)+":"+side(height))
	} else {
		args = append(args, "-autoscale", "0")
	}
	return append(args, "-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe", "-flush_packets", "1", "pipe:1")
}

// side is a width or height as ffmpeg's scale filter has it; -1 keeps proportions.
func side(n int) string {
	if n <= 0 {
		return "-1"
	}
	return strconv.Itoa(n)
}

// sizeBytes is how long the size is that stands before the pixels of a picture on
// its way from readPPM to decodeRaw: width and height, 32 bits each.
const sizeBytes = 8

// readPPM puts the pictures in r, binary PPM with 255 levels one after the other.
func readPPM(r io.Reader, limits pixel.Limits, put func([]byte) []byte) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var memory []byte
	for {
		width, height, err := ppmHeader(in)
		if err != nil {
			return err
		}
		if width <= 0 || height <= 0 || int64(width) > limits.OrDefault().Pixels/int64(height) {
			return fmt.Errorf("pictures of %dx%d pixels: %w", width, height, pixel.ErrTooLarge)
		}
		n := sizeBytes + 3*width*height
		if cap(memory) < n {
			memory = make([]byte, n)
		}
		memory = memory[:n]
		binary.LittleEndian.PutUint32(memory, uint32(width))
		binary.LittleEndian.PutUint32(memory[4:], uint32(height))
		if _, err := io.ReadFull(in, memory[sizeBytes:]); err != nil {
			return err
		}
		memory = put(memory)
	}
}

// ppmHeader reads "P6 WIDTH HEIGHT 255" and the one character behind it.
func ppmHeader(in *bufio.Reader) (width, height int, err error) {
	var fields [4]int
	for i := range fields {
		if fields[i], err = ppmField(in, i == 0); err != nil {
			return 0, 0, err
		}
	}
	if fields[0] != 6 || fields[3] != 255 {
		return 0, 0, errNoPPM
	}
	return fields[1], fields[2], nil
}

var errNoPPM = errors.New("ffmpeg sends something else than pictures")

// ppmField reads a number, of which the first has a P before it, and the white space
// behind it.
func ppmField(in *bufio.Reader, first bool) (n int, err error) {
	for digits := 0; ; digits++ {
		b, err := in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch {
		case first && digits == 0 && b == 'P':
		case b >= '0' && b <= '9' && n < 1<<24:
			n = 10*n + int(b-'0')
		case (b == '\n' || b == ' ') && digits > 0:
			return n, nil
		default:
			return 0, errNoPPM
		}
	}
}

// decodeRaw copies a picture of readPPM.
func decodeRaw(dst *pixel.RGB, picture []byte) error {
	dst.Resize(int(binary.LittleEndian.Uint32(picture)), int(binary.LittleEndian.Uint32(picture[4:])))
	copy(dst.Pix, picture[sizeBytes:])
	return nil
}
