package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// machineFiles is a root folder with the kernel's files of a test.
func machineFiles(t *testing.T, files map[string]string) *machineReader {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &machineReader{root: root}
}

func TestMachineRaspberry(t *testing.T) {
	r := machineFiles(t, map[string]string{
		"proc/device-tree/model":                              "Raspberry Pi 4 Model B Rev 1.4\x00",
		"proc/loadavg":                                        "1.25 0.9 0.5 1/200 1234\n",
		"sys/class/thermal/thermal_zone0/type":                "gpu-thermal\n",
		"sys/class/thermal/thermal_zone0/temp":                "40000\n",
		"sys/class/thermal/thermal_zone1/type":                "cpu-thermal\n",
		"sys/class/thermal/thermal_zone1/temp":                "61234\n",
		"sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
	})
	s := r.read(t.Context(), nil)
	if s.Model != "Raspberry Pi 4 Model B Rev 1.4" || s.Load != 1.25 || s.Temperature == nil || *s.Temperature != 61.234 {
		t.Errorf("%+v", s)
	}
	if s.Throttled == nil || fmt.Sprint(*s.Throttled) != "{[under-voltage throttled] [under-voltage throttled]}" {
		t.Errorf("throttled: %+v", s.Throttled)
	}
}

func TestMachineUnknown(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"nothing": {},
		"two zones of nobody": {
			"sys/class/thermal/thermal_zone0/type": "wifi", "sys/class/thermal/thermal_zone0/temp": "40000",
			"sys/class/thermal/thermal_zone1/type": "battery", "sys/class/thermal/thermal_zone1/temp": "30000",
		},
		"nonsense": {
			"proc/loadavg": "x", "sys/class/thermal/thermal_zone0/type": "cpu", "sys/class/thermal/thermal_zone0/temp": "hot",
			"sys/devices/platform/soc/soc:firmware/get_throttled": "zz",
		},
	} {
		s := machineFiles(t, files).read(t.Context(), nil)
		if s.Temperature != nil || s.Throttled != nil || s.Load != 0 || s.CPUs < 1 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestParseThrottled(t *testing.T) {
	for text, want := range map[string]string{
		"0x0":                 "{[] []}",
		"throttled=0x50000\n": "{[] [under-voltage throttled]}",
		"0x8":                 "{[temperature limit] []}",
		"e0002":               "{[frequency capped] [frequency capped throttled temperature limit]}",
	} {
		got, ok := parseThrottled(text)
		if !ok || fmt.Sprint(*got) != want {
			t.Errorf("%q is %v, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "x", "0x1ffffffff", "-1"} {
		if got, ok := parseThrottled(text); ok {
			t.Errorf("%q is %v", text, got)
		}
	}
}
