package dir

import (
	"context"

	"github.com/edge-adapt/edge/camera"
)

// OpenBlind opens a folder as on a file system that cannot say who writes.
func OpenBlind(ctx context.Context, o Options) (camera.Source, error) {
	opened, err := Open(ctx, o)
	if err == nil {
		opened.(*folder).local = false
	}
	return opened, err
}

type folder = source

// RenameReserved is renameNew on a file system that can only overwrite.
var RenameReserved = renameReserved
