package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// machineState is what the daemon says of the machine it runs on.
type machineState struct {
	Model  string  `json:"model,omitempty"` // "Raspberry Pi 4 Model B Rev 1.4"
	CPUs   int     `json:"cpus"`
	Load   float64 `json:"load"` // of the last minute
	Memory struct {
		Resident  int64 `json:"resident"`            // bytes, of the daemon
		Ceiling   int64 `json:"ceiling,omitempty"`   // that it keeps below; 0: not known
		Available int64 `json:"available,omitempty"` // on the machine or in the control group
		Total     int64 `json:"total,omitempty"`     // of the machine
		Short     bool  `json:"short"`               // requests are refused
	} `json:"memory"`
	// Temperature of the processor in degrees Celsius; nil: not known.
	Temperature *float64 `json:"temperature,omitempty"`
	// Throttled says what slows a Raspberry Pi down; nil: not known.
	Throttled *throttled `json:"throttled,omitempty"`
}

// throttled is what the firmware of a Raspberry Pi reports.
type throttled struct {
	Now    []string `json:"now"`    // holds at the moment
	Before []string `json:"before"` // has happened since the start
}

// throttleBits are the firmware's flags; 16 bits further on, that it was so.
var throttleBits = []struct {
	bit  uint
	name string
}{{0, "under-voltage"}, {1, "frequency capped"}, {2, "throttled"}, {3, "temperature limit"}}

// parseThrottled reads the firmware's number: "0x50005", "throttled=0x50005" or
// "50005", hexadecimal each time.
func parseThrottled(text string) (*throttled, bool) {
	text = strings.TrimSpace(text)
	text = strings.TrimPrefix(strings.TrimPrefix(text, "throttled="), "0x")
	bits, err := strconv.ParseUint(text, 16, 32)
	if err != nil {
		return nil, false
	}
	t := &throttled{Now: []string{}, Before: []string{}}
	for _, b := range throttleBits {
		if bits>>b.bit&1 == 1 {
			t.Now = append(t.Now, b.name)
		}
		if bits>>(b.bit+16)&1 == 1 {
			t.Before = append(t.Before, b.name)
		}
	}
	return t, true
}

// machineReader reads the machine's state. What costs a child process is asked
// for rarely.
type machineReader struct {
	root string // "/"; a test has another

	mu       sync.Mutex
	asked    time.Time
	firmware *throttled
}

// firmwareEvery is how often the firmware is asked through a program.
const firmwareEvery = 10 * time.Second

func (r *machineReader) path(name string) string {
	root := r.root
	if root == "" {
		root = "/"
	}
	return filepath.Join(root, name)
}

// text is the content of a small file of the kernel, "" if there is none.
func (r *machineReader) text(name string) string {
	data, err := os.ReadFile(r.path(name))
	if err != nil {
		return ""
	}
	return strings.Trim(string(data), "\x00 \n")
}

func (r *machineReader) read(ctx context.Context, m *memory) machineState {
	s := machineState{Model: r.text("proc/device-tree/model"), CPUs: runtime.NumCPU()}
	if fields := strings.Fields(r.text("proc/loadavg")); len(fields) > 0 {
		if load, err := strconv.ParseFloat(fields[0], 64); err == nil {
			s.Load = load
		}
	}
	if m != nil {
		m.mu.Lock()
		s.Memory.Resident, s.Memory.Ceiling, s.Memory.Short = m.usage.Resident, m.ceiling, m.tight
		s.Memory.Available, s.Memory.Total = m.usage.Available, m.usage.Total
		m.mu.Unlock()
	}
	s.Temperature = r.temperature()
	s.Throttled = r.throttling(ctx)
	return s
}

// processors are names that thermal zones of processors have, the surest first.
var processors = []string{"cpu-thermal", "cpu_thermal", "x86_pkg_temp", "cpu", "soc", "coretemp", "acpitz"}

// temperature is that of the processor: of the thermal zone whose name says so, or
// of the only one.
func (r *machineReader) temperature() *float64 {
	zones, err := filepath.Glob(r.path("sys/class/thermal/thermal_zone*"))
	if err != nil || len(zones) == 0 {
		return nil
	}
	rank := func(zone string) int {
		data, err := os.ReadFile(filepath.Join(zone, "type"))
		if err != nil {
			return len(processors)
		}
		name := strings.ToLower(strings.TrimSpace(string(data)))
		i := slices.IndexFunc(processors, func(p string) bool { return strings.HasPrefix(name, p) })
		if i < 0 {
			return len(processors)
		}
		return i
	}
	slices.SortStableFunc(zones, func(a, b string) int { return rank(a) - rank(b) })
	if len(zones) > 1 && rank(zones[0]) == len(processors) {
		return nil // several, and none is the processor's
	}
	data, err := os.ReadFile(filepath.Join(zones[0], "temp"))
	if err != nil {
		return nil
	}
	milli, err := strconv.ParseFloat(strings.TrimSpace(string(data)), 64)
	if err != nil || milli < -50_000 || milli > 200_000 {
		return nil
	}
	celsius := milli / 1000
	return &celsius
}

// throttling asks the firmware of a Raspberry Pi, through the kernel where that
// has a file for it, else through its own program.
func (r *machineReader) throttling(ctx context.Context) *throttled {
	for _, name := range []string{
		"sys/devices/platform/soc/soc:firmware/get_throttled",
		"sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled",
	} {
		if t, ok := parseThrottled(r.text(name)); ok {
			return t
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.asked) < firmwareEvery {
		return r.firmware
	}
	r.asked, r.firmware = time.Now(), nil
	if _, err := os.Stat(r.path("dev/vcio")); errors.Is(err, fs.ErrNotExist) {
		return nil // no Raspberry Pi
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "vcgencmd", "get_throttled").Output(); err == nil {
		r.firmware, _ = parseThrottled(string(out))
	}
	return r.firmware
}
