package device

import (
	"testing"

	"github.com/edge-adapt/edge/camera/pixel"
	"github.com/edge-adapt/edge/internal/digest"
	"github.com/edge-adapt/edge/models/base"
)

// Whatever decides features decides the space, and nothing is found in another's.
func TestSpace(t *testing.T) {
	of := base.Source{Name: "a", Digest: digest.Of([]byte("base")), Preprocessing: pixel.Preprocessing{Width: 8, Height: 8, Resize: pixel.Bilinear}}
	other, aliased, renamed := of, of, of
	other.Digest = digest.Of([]byte("another"))
	aliased.Preprocessing.Resize = pixel.BilinearAliased
	renamed.Name = "b"
	seen := map[digest.Digest]string{}
	for name, s := range map[string]digest.Digest{
		"Go's decoder": space(of, ""), "libjpeg-turbo": space(of, "libjpeg-turbo 1"), "later numbers": space(of, "libjpeg-turbo 2"),
		"another base": space(other, ""), "another rule": space(aliased, ""),
	} {
		if seen[s] != "" {
			t.Errorf("%s and %s share a space", name, seen[s])
		}
		seen[s] = name
	}
	if space(of, "") != space(renamed, "") {
		t.Error("a name decides")
	}
	if Space(of) != space(of, pixel.JPEG().Numbers()) {
		t.Error("the decoder in use does not decide")
	}
}
