package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestWrap(t *testing.T) {
	if Wrap(nil, "do this") != nil {
		t.Error("a hint made an error out of nil")
	}
	inner := Wrap(fs.ErrNotExist, "create it")
	outer := Wrap(fmt.Errorf("open the store: %w", inner), "another")
	if got := Of(outer); got != "create it" {
		t.Errorf("Of = %q, want the deeper hint", got)
	}
	if got, want := outer.Error(), "open the store: file does not exist"; got != want {
		t.Errorf("Error = %q, want %q", got, want)
	}
	if !errors.Is(outer, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
	if Of(errors.New("plain")) != "" {
		t.Error("a plain error has a hint")
	}
}
