package pixel

import (
	"bytes"

	"github.com/bep/imagemeta"
)

// orientation returns the EXIF orientation, 1 to 8, that block says, and 1 if
// it says none or cannot be read: a picture with damaged remarks is still a
// picture. block is a TIFF file, with or without the "Exif" mark before it.
func orientation(block []byte) int {
	if len(block) == 0 {
		return 1 // here, so that the common case allocates nothing
	}
	return readOrientation(block)
}

func readOrientation(block []byte) (o int) {
	o = 1
	block = bytes.TrimPrefix(block, []byte("Exif\x00\x00"))
	defer func() { _ = recover() }()
	_, _ = imagemeta.Decode(imagemeta.Options{
		R:            bytes.NewReader(block),
		ImageFormat:  imagemeta.TIFF,
		Sources:      imagemeta.EXIF,
		LimitNumTags: 500,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return tag.Tag == "Orientation" && tag.Namespace == "IFD0"
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			if v, ok := tag.Value.(uint16); ok && v >= 1 && v <= 8 {
				o = int(v)
			}
			return imagemeta.ErrStopWalking
		},
	})
	return o
}
