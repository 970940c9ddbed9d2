package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// picture is a drawing that becomes an inline SVG of the page. One point of the
// canvas is one unit of the drawing; the origin is at the lower left.
type picture struct {
	draw.Canvas
	svg     *vgsvg.Canvas
	handler text.Handler
}

func newPicture(width, height float64) *picture {
	svg := vgsvg.New(vg.Length(width), vg.Length(height))
	return &picture{draw.New(svg), svg, newHandler()}
}

// newHandler measures with Liberation Sans, whose widths are those of Arial and
// Helvetica; the page itself names the font and embeds none.
func newHandler() text.Handler {
	return text.Plain{Fonts: font.NewCache(liberation.Collection())}
}

// words returns the style of text of a size in a role's colour, its reference
// point at the left, the baseline below.
func (p *picture) words(size float64, r role) draw.TextStyle {
	return words(p.handler, size, r)
}

func words(h text.Handler, size float64, r role) draw.TextStyle {
	return draw.TextStyle{
		Color:   r.paint(),
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Length(size)},
		XAlign:  draw.XLeft,
		YAlign:  draw.YCenter,
		Handler: h,
	}
}

// box fills a rectangle.
func (p *picture) box(x, y, width, height float64, r role) {
	p.FillPolygon(r.paint(), []vg.Point{
		point(x, y), point(x+width, y), point(x+width, y+height), point(x, y+height),
	})
}

func point(x, y float64) vg.Point { return vg.Point{X: vg.Length(x), Y: vg.Length(y)} }

// inline returns the drawing as an svg element of the given class that says alt
// to those who cannot see it.
func (p *picture) inline(class, alt string) (template.HTML, error) {
	var b bytes.Buffer
	if _, err := p.svg.WriteTo(&b); err != nil {
		return "", fmt.Errorf("draw %s: %w", class, err)
	}
	_, body, _ := strings.Cut(b.String(), "<svg")
	_, body, ok := strings.Cut(body, ">")
	if !ok {
		return "", fmt.Errorf("draw %s: no picture came out", class)
	}
	// The page's own font applies; its name on every word would only be weight.
	body = strings.ReplaceAll(body, "font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;", "")
	width, height := p.svg.Size()
	// The style sheet sizes the picture by its own width, --w.
	open := fmt.Sprintf(`<svg class="%s" role="img" aria-label="%s" viewBox="0 0 %g %g" style="--w:%.0f">`,
		html.EscapeString(class), html.EscapeString(alt), width.Points(), height.Points(), width.Points())
	//nolint:gosec // The canvas escapes text, and alt and class are escaped above.
	return template.HTML(open + styled(body)), nil
}
