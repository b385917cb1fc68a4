// SPDX-License-Identifier: MIT

// Package charts draws panels of horizontal bars as SVG, for light and dark pages.
package charts

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Bar is one server in a panel.
type Bar struct {
	Label     string
	Value     float64
	Part      float64 // the dark begin of the bar; 0: none
	Low, High float64 // the spread; both 0: none
	Class     string  // "own", "peer" or "floor"
}

// A Panel is a title with bars that share a scale.
type Panel struct {
	Title, Unit string
	Bars        []Bar
	Log         bool // for values that differ by more than one power of ten
}

const (
	panelWidth = 396
	labelWidth = 112
	valueWidth = 52
	barHeight  = 16
	step       = 21
	titleSize  = 30
	gap        = 24
	margin     = 12
)

// The colours have contrast on white and on black; a page in the dark has its own text.
const style = `text{font:12px system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2328}
.title{font-weight:600;font-size:13px}.note{fill:#59636e}
.own{fill:#0a7d5a}.own-part{fill:#06523b}.peer{fill:#5b8def}.peer-part{fill:#3463bd}.floor{fill:#9aa4af}.floor-part{fill:#6d7884}
.spread{stroke:#1f2328;stroke-width:1.2;fill:none}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.note{fill:#9aa4af}.spread{stroke:#e6edf3}
.own{fill:#2cc295}.own-part{fill:#178a67}.peer{fill:#7ea6f5}.peer-part{fill:#4c78cf}}
`

// SVG draws the panels in columns, with a note below.
func SVG(title string, columns int, panels []Panel, note string) []byte {
	var body strings.Builder
	y := margin
	for row := 0; row < len(panels); row += columns {
		highest := 0
		for i, p := range panels[row:min(row+columns, len(panels))] {
			p.draw(&body, margin+i*(panelWidth+gap), y)
			highest = max(highest, p.height())
		}
		y += highest + gap
	}
	if note != "" {
		fmt.Fprintf(&body, `<text class="note" x="%d" y="%d">%s</text>`+"\n", margin, y, html.EscapeString(note))
		y += gap
	}
	width := 2*margin + columns*panelWidth + (columns-1)*gap
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`+
		"\n<title>%s</title>\n<style>%s</style>\n%s</svg>\n",
		width, y, width, y, html.EscapeString(title), html.EscapeString(title), style, body.String())
}

func (p Panel) height() int { return titleSize + len(p.Bars)*step }

// draw draws the panel with its upper left corner at x, y.
func (p Panel) draw(b *strings.Builder, x, y int) {
	fmt.Fprintf(b, `<text class="title" x="%d" y="%d">%s <tspan class="note">%s</tspan></text>`+"\n",
		x, y+14, html.EscapeString(p.Title), html.EscapeString(p.Unit))
	scale := p.scale(panelWidth - labelWidth - valueWidth)
	for i, bar := range p.Bars {
		top := y + titleSize + i*step
		text := top + barHeight - 4
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, x+labelWidth-8, text, html.EscapeString(bar.Label))
		left, w := float64(x+labelWidth), scale(bar.Value)
		fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="2"/>`, bar.Class, left, top, w, barHeight)
		// On a scale that is not linear a part would mislead.
		if bar.Part > 0 && !p.Log {
			fmt.Fprintf(b, `<rect class="%s-part" x="%.1f" y="%d" width="%.1f" height="%d" rx="2"/>`, bar.Class, left, top, scale(bar.Part), barHeight)
		}
		right := w
		if bar.High > bar.Low {
			low, high := left+scale(bar.Low), left+scale(bar.High)
			mid := float64(top) + barHeight/2
			fmt.Fprintf(b, `<path class="spread" d="M%.1f %.1fH%.1fM%.1f %.1fv6M%.1f %.1fv6"/>`, low, mid, high, low, mid-3, high, mid-3)
			right = max(right, scale(bar.High))
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`+"\n", left+right+6, text, Number(bar.Value))
	}
}

// scale returns the function from a value to pixels.
func (p Panel) scale(width float64) func(float64) float64 {
	most, least := 0.0, math.Inf(1)
	for _, b := range p.Bars {
		most = max(most, b.Value, b.High)
		if b.Value > 0 {
			least = min(least, b.Value)
		}
	}
	if most <= 0 {
		return func(float64) float64 { return 0 }
	}
	if p.Log {
		low := math.Log10(least) - 0.3
		return func(v float64) float64 {
			if v <= 0 {
				return 0
			}
			return max(width*(math.Log10(v)-low)/(math.Log10(most)-low), 0)
		}
	}
	return func(v float64) float64 { return width * max(v, 0) / most }
}

// Number writes a value with as many digits as its spread deserves.
func Number(v float64) string {
	switch a := math.Abs(v); {
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
