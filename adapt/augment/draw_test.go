package augment

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/edge-adapt/edge/internal/hint"
)

func TestZeroConfigDrawsIdentity(t *testing.T) {
	for image := range uint64(100) {
		if d := (Config{}).Draw(3, 4, image); d != Identity {
			t.Fatalf("image %d: %+v", image, d)
		}
	}
}

// TestValidate holds the ranges and that a refusal names the flag.
func TestValidate(t *testing.T) {
	for _, c := range []Config{{}, strong, {Flip: true, Crop: 1, Rotate: 180, Light: 0.99, Erase: 0.99, Mix: 1}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	nan := math.NaN()
	bad := map[string][]Config{
		"--crop":   {{Crop: -0.1}, {Crop: 1.1}, {Crop: nan}},
		"--rotate": {{Rotate: -1}, {Rotate: 181}, {Rotate: nan}},
		"--light":  {{Light: -0.1}, {Light: 1}, {Light: nan}},
		"--erase":  {{Erase: -0.1}, {Erase: 1}, {Erase: nan}},
		"--mix":    {{Mix: -0.1}, {Mix: 1.1}, {Mix: nan}},
	}
	for flag, configs := range bad {
		for _, c := range configs {
			err := c.Validate()
			if err == nil || !strings.HasPrefix(err.Error(), flag+" ") || !strings.HasPrefix(hint.Of(err), flag+" takes ") {
				t.Errorf("%+v: %v (hint: %s)", c, err, hint.Of(err))
			}
		}
	}
}

// TestDistributions looks at 20,000 draws: everything inside its range, with
// the mean and the reach that the documentation gives.
func TestDistributions(t *testing.T) {
	const n = 20_000
	c := Config{Flip: true, Crop: 0.4, Rotate: 15, Light: 0.3, Erase: 0.25, Mix: 0.3}
	values := map[string][]float64{}
	note := func(name string, v float64) { values[name] = append(values[name], v) }
	share := func(name string, is bool) {
		v := 0.0
		if is {
			v = 1
		}
		note(name, v)
	}
	for i := range uint64(n) {
		d := c.Draw(7, i/100, i%100)
		if d.Left < 0 || d.Top < 0 || d.Left+d.Width > 1+1e-9 || d.Top+d.Height > 1+1e-9 {
			t.Fatalf("a window outside the picture: %+v", d)
		}
		if d.Hidden.Left < 0 || d.Hidden.Top < 0 || d.Hidden.Right > 1+1e-9 || d.Hidden.Bottom > 1+1e-9 {
			t.Fatalf("a box outside the picture: %+v", d)
		}
		share("flip", d.Flip)
		note("area", d.Width*d.Height)
		note("log ratio", math.Log(d.Width/d.Height))
		note("middle x", d.Left+d.Width/2)
		note("middle y", d.Top+d.Height/2)
		note("angle", d.Angle)
		note("brightness", d.Brightness)
		note("contrast", d.Contrast)
		note("saturation", d.Saturation)
		share("erased", d.Hidden != Box{})
		if side := d.Hidden.Right - d.Hidden.Left; side > 0 {
			note("hidden", side*side)
		}
		share("mixed", d.Lambda != 1)
		if d.Lambda != 1 {
			note("lambda", d.Lambda)
		}
	}
	third := math.Log(4.0 / 3)
	for _, want := range []struct {
		name           string
		low, mean, max float64
	}{
		{"flip", 0, 0.5, 1},
		{"area", 0.4, 0.7, 1},
		{"log ratio", -third, 0, third},
		{"middle x", 0.275, 0.5, 0.725}, // less than a tenth narrower than reachable
		{"middle y", 0.275, 0.5, 0.725},
		{"angle", -15, 0, 15},
		{"brightness", 0.7, 1, 1.3},
		{"contrast", 0.7, 1, 1.3},
		{"saturation", 0.7, 1, 1.3},
		{"erased", 0, 0.5, 1},
		{"hidden", 0, 0.125, 0.25},
		{"mixed", 0, 0.3, 1},
		{"lambda", 0.5, 0.75, 1},
	} {
		v := values[want.name]
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		low, mean, high, reach := slices.Min(v), sum/float64(len(v)), slices.Max(v), want.max-want.low
		if math.Abs(mean-want.mean) > 0.02*reach {
			t.Errorf("%s: mean %.3f, want %.3f", want.name, mean, want.mean)
		}
		if strings.HasPrefix(want.name, "middle") { // its bounds are not sharp
			continue
		}
		if low < want.low-1e-9 || high > want.max+1e-9 || low > want.low+0.02*reach || high < want.max-0.02*reach {
			t.Errorf("%s: %.3f to %.3f, want %.3f to %.3f", want.name, low, high, want.low, want.max)
		}
	}
}

// TestDrawsDiffer changes one number at a time.
func TestDrawsDiffer(t *testing.T) {
	seen := map[Draw]bool{}
	for seed := range uint64(5) {
		for epoch := range uint64(20) {
			for image := range uint64(100) {
				seen[strong.Draw(seed, epoch, image)] = true
			}
		}
	}
	if len(seen) != 5*20*100 {
		t.Errorf("%d different draws of %d", len(seen), 5*20*100)
	}
	if strong.Draw(1, 2, 3) != strong.Draw(1, 2, 3) {
		t.Error("the same numbers gave two draws")
	}
}

// TestIndependent switches one change off at a time and finds the others as
// they were.
func TestIndependent(t *testing.T) {
	full := strong.Draw(1, 2, 3)
	for name, off := range map[string]func(*Config, *Draw){
		"flip":   func(c *Config, d *Draw) { c.Flip, d.Flip = false, Identity.Flip },
		"rotate": func(c *Config, d *Draw) { c.Rotate, d.Angle = 0, Identity.Angle },
		"erase":  func(c *Config, d *Draw) { c.Erase, d.Hidden = 0, Identity.Hidden },
		"mix":    func(c *Config, d *Draw) { c.Mix, d.Lambda = 0, Identity.Lambda },
		"crop": func(c *Config, d *Draw) {
			c.Crop, d.Left, d.Top, d.Width, d.Height = 0, 0, 0, 1, 1
		},
		"light": func(c *Config, d *Draw) {
			c.Light, d.Brightness, d.Contrast, d.Saturation = 0, 1, 1, 1
		},
	} {
		c, want := strong, full
		off(&c, &want)
		if got := c.Draw(1, 2, 3); got != want {
			t.Errorf("without %s: %+v, want %+v", name, got, want)
		}
	}
}
