package v4l2

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-adapt/edge/camera"
	"github.com/edge-adapt/edge/internal/hint"
)

// device is an open device that has said what it is.
type device struct {
	kernel
	capability
}

// Lists that a driver gives are cut after so many entries: a broken one may never
// come to an end.
const maxListed = 256

// newDevice asks a device what it is. It closes k if that is no camera.
func newDevice(k kernel) (*device, error) {
	d := &device{kernel: k}
	err := k.ioctl(vidiocQueryCap, unsafe.Pointer(&d.capability))
	switch {
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		err = fmt.Errorf("%w: %w", errNoDevice, camera.ErrUnsupported)
	case err != nil:
		err = explain(err)
	case !d.can(capVideoCapture):
		err = hint.Wrap(fmt.Errorf("gives no pictures, or in several planes: %w", camera.ErrUnsupported), listHint)
	case !d.can(capStreaming):
		err = fmt.Errorf("does not stream: %w", camera.ErrUnsupported)
	}
	if err != nil {
		_ = k.close()
		return nil, err
	}
	return d, nil
}

const listHint = "edge camera list shows the cameras of this machine"

// can reports whether this node of the device, which may have several, can do what.
func (d *device) can(what uint32) bool {
	caps := d.Capabilities
	if caps&capDeviceCaps != 0 {
		caps = d.DeviceCaps
	}
	return caps&what != 0
}

// explain gives an error of the kernel its reason and its next step.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoDevice):
		return hint.Wrap(fmt.Errorf("%w: %w", err, camera.ErrUnsupported), listHint)
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return hint.Wrap(fmt.Errorf("%w (%w)", camera.ErrUnplugged, err), listHint)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return hint.Wrap(err, "cameras belong to the group video: usermod --append --groups video USER, and log in again")
	case errors.Is(err, unix.EBUSY):
		return hint.Wrap(fmt.Errorf("another program uses it (%w)", err), "end the other program: fuser DEVICE names it")
	case errors.Is(err, unix.ENOSPC):
		return hint.Wrap(fmt.Errorf("the USB bus has no room left for it (%w)", err), "ask for a smaller size, a lower rate or the format MJPG, or use another USB port")
	}
	return err
}

// formats lists what the device can send. Sizes and rates are missing where the
// driver does not say.
func (d *device) formats() (all []Format) {
	for i := range uint32(maxListed) {
		f := formatDescription{Index: i, Type: typeVideoCapture}
		if d.ioctl(vidiocEnumFmt, unsafe.Pointer(&f)) != nil {
			break
		}
		code := fourCC(f.PixelFormat)
		all = append(all, Format{
			Code: code, Description: text(f.Description[:]), Readable: readable(code), Sizes: d.sizes(f.PixelFormat),
		})
	}
	return all
}

func (d *device) sizes(format uint32) (all []Size) {
	for i := range uint32(maxListed) {
		f := frameSize{Index: i, PixelFormat: format}
		if d.ioctl(vidiocEnumFrameSizes, unsafe.Pointer(&f)) != nil {
			break
		}
		if f.Type != sizeDiscrete { // one range, and no more
			u := f.Union
			s := Size{
				Width: int(u[0]), MaxWidth: int(u[1]), StepX: int(u[2]),
				Height: int(u[3]), MaxHeight: int(u[4]), StepY: int(u[5]),
			}
			s.Rates = d.rates(format, u[1], u[4])
			return append(all, s)
		}
		s := Size{Width: int(f.Union[0]), Height: int(f.Union[1]), Rates: d.rates(format, f.Union[0], f.Union[1])}
		if !slices.ContainsFunc(all, func(t Size) bool { return t.Width == s.Width && t.Height == s.Height }) {
			all = append(all, s)
		}
	}
	return all
}

func (d *device) rates(format, width, height uint32) (all []float64) {
	for i := range uint32(maxListed) {
		f := frameInterval{Index: i, PixelFormat: format, Width: width, Height: height}
		if d.ioctl(vidiocEnumFrameIntervals, unsafe.Pointer(&f)) != nil {
			break
		}
		intervals := f.Union[:1]
		if f.Type != sizeDiscrete {
			intervals = f.Union[:2]
		}
		for _, interval := range intervals {
			if r := interval.inverse(); r > 0 && !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
		if f.Type != sizeDiscrete {
			break
		}
	}
	slices.SortFunc(all, func(a, b float64) int { return int(math.Copysign(1, b-a)) })
	return all
}

// inverse returns the frames a second of an interval in seconds, 0 for none.
func (f fraction) inverse() float64 {
	if f.Numerator == 0 || f.Denominator == 0 {
		return 0
	}
	return math.Round(float64(f.Denominator)/float64(f.Numerator)*1000) / 1000
}

// controls lists what can be set.
func (d *device) controls() (all []Control) {
	var id uint32
	for range maxListed {
		q := queryControl{ID: id | controlNext}
		if d.ioctl(vidiocQueryCtrl, unsafe.Pointer(&q)) != nil || q.ID <= id {
			break
		}
		id = q.ID
		if q.Flags&controlDisabled != 0 {
			continue
		}
		c := Control{
			Name: controlName(text(q.Name[:])), Min: int(q.Minimum), Max: int(q.Maximum), Step: int(q.Step), Default: int(q.Default),
			Inactive: q.Flags&controlInactive != 0,
			id:       q.ID, readOnly: q.Flags&controlReadOnly != 0,
		}
		switch q.Type {
		case controlInteger, controlBoolean, controlBitmask, controlButton:
		case controlMenu, controlIntegerMenu:
			c.Choices = d.choices(q)
		default:
			continue // headings, texts, arrays
		}
		v := control{ID: q.ID}
		if d.ioctl(vidiocGetCtrl, unsafe.Pointer(&v)) == nil {
			c.Value = int(v.Value)
		}
		all = append(all, c)
	}
	return all
}

func (d *device) choices(q queryControl) map[int]string {
	names := map[int]string{}
	for i := max(q.Minimum, 0); i <= q.Maximum && i-q.Minimum < maxListed; i++ {
		m := queryMenu{ID: q.ID, Index: uint32(i)}
		if d.ioctl(vidiocQueryMenu, unsafe.Pointer(&m)) != nil {
			continue // a menu may have gaps
		}
		if q.Type == controlIntegerMenu {
			names[int(i)] = fmt.Sprint(*(*int64)(unsafe.Pointer(&m.Name))) //nolint:gosec // a union
		} else {
			names[int(i)] = text(m.Name[:])
		}
	}
	return names
}

// controlName writes "White Balance, Automatic" as white_balance_automatic.
func controlName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, "_")
}

// set sets controls by name. What switches an automatic off comes first: as long
// as that is on, a driver may refuse the value that it governs.
func (d *device) set(wanted map[string]int) error {
	if len(wanted) == 0 {
		return nil
	}
	all := d.controls()
	var chosen []Control
	for name, value := range wanted {
		i := slices.IndexFunc(all, func(c Control) bool { return c.Name == controlName(name) })
		if i < 0 {
			return hint.Wrap(fmt.Errorf("it has no control %q: %w", name, camera.ErrUnsupported), "it has: "+controlNames(all))
		}
		c := all[i]
		if c.readOnly {
			return fmt.Errorf("the control %s cannot be set: %w", c.Name, camera.ErrUnsupported)
		}
		if _, named := c.Choices[value]; value < c.Min || value > c.Max || c.Choices != nil && !named {
			return hint.Wrap(fmt.Errorf("the control %s cannot be %d: %w", c.Name, value, camera.ErrUnsupported), "it takes "+c.values())
		}
		c.Value = value
		chosen = append(chosen, c)
	}
	slices.SortFunc(chosen, func(a, b Control) int {
		if x, y := len(a.Choices) > 0 || a.Max == 1, len(b.Choices) > 0 || b.Max == 1; x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	for _, c := range chosen {
		v := control{ID: c.id, Value: int32(c.Value)}
		if err := d.ioctl(vidiocSetCtrl, unsafe.Pointer(&v)); err != nil {
			return fmt.Errorf("the control %s: %w", c.Name, explain(err))
		}
	}
	return nil
}

func controlNames(all []Control) string {
	var names []string
	for _, c := range all {
		names = append(names, c.Name)
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// values says what a control takes.
func (c Control) values() string {
	if c.Choices == nil {
		return fmt.Sprintf("%d to %d", c.Min, c.Max)
	}
	var all []string
	for v := c.Min; v <= c.Max; v++ {
		if name, ok := c.Choices[v]; ok {
			all = append(all, fmt.Sprintf("%d (%s)", v, name))
		}
	}
	return strings.Join(all, ", ")
}
