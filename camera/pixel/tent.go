package pixel

import "math"

// tent is the resampling of one axis. Target pixel j, whose centre lies at
// from+(j+0.5)*ratio in source pixels, is the mean of the source pixels around it,
// weighted by how near their centres (i+0.5) are: 1 - distance/radius.
type tent struct {
	n      int     // source pixels
	from   float64 // where target pixel 0 begins, in source pixels
	ratio  float64 // source pixels a target pixel
	radius float64 // the larger of ratio and 1; 1 for BilinearAliased
}

// span is a stretch along one axis, in pixels.
type span struct{ start, length float64 }

// extent is the part of a picture that counts.
type extent struct{ width, height span }

// whole returns the extent of all of img.
func whole(img *RGB) extent {
	return extent{span{length: float64(img.Width)}, span{length: float64(img.Height)}}
}

// newTent returns the resampling of the part of source pixels into target ones.
func newTent(source int, part span, target int, rule Resize) tent {
	ratio := part.length / float64(target)
	if rule == BilinearAliased {
		return tent{source, part.start, ratio, 1}
	}
	return tent{source, part.start, ratio, max(ratio, 1)}
}

// centre returns where target pixel j lies, in source pixels.
func (t tent) centre(j int) float64 { return t.from + float64((float64(j)+0.5)*t.ratio) }

// start returns the first source pixel that counts in target pixel j.
func (t tent) start(j int) int { return max(int(math.Floor(t.centre(j)-t.radius+0.5)), 0) }

// end returns the first source pixel behind those that count in target pixel j.
func (t tent) end(j int) int { return min(int(math.Floor(t.centre(j)+t.radius+0.5)), t.n) }

// weight returns how much source pixel i counts in target pixel j, 0 to 1.
func (t tent) weight(j, i int) float32 {
	return float32(max(1-math.Abs(float64(i)+0.5-t.centre(j))/t.radius, 0))
}
