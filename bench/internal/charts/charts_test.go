// SPDX-License-Identifier: MIT

package charts

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
)

func TestSVG(t *testing.T) {
	svg := SVG("a <title>", 2, []Panel{
		{Title: "echo & more", Unit: "us", Bars: []Bar{
			{Label: "ours", Value: 10, Part: 4, Low: 8, High: 12, Class: "own"},
			{Label: "other", Value: 24, Class: "peer"},
			{Label: "none", Class: "floor"},
		}},
		{Title: "memory", Unit: "KiB", Log: true, Bars: []Bar{{Label: "a", Value: 0.3, Class: "own"}, {Label: "b", Value: 300, Class: "peer"}}},
		{Title: "empty"},
	}, "median")
	var widths []float64
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "rect" {
			continue
		}
		for _, a := range e.Attr {
			if a.Name.Local == "width" {
				w, err := strconv.ParseFloat(a.Value, 64)
				if err != nil {
					t.Fatal(err)
				}
				widths = append(widths, w)
			}
		}
	}
	// Of ours, its part, the other, none; then the two of the panel with logarithms.
	const full = panelWidth - labelWidth - valueWidth
	want := []float64{full * 10. / 24, full * 4. / 24, full, 0, full * 0.3 / 3.3, full}
	if len(widths) != len(want) {
		t.Fatalf("%d bars, want %d, in\n%s", len(widths), len(want), svg)
	}
	for i, w := range want {
		if diff := widths[i] - w; diff > 0.1 || diff < -0.1 {
			t.Errorf("bar %d is %v wide, want %.1f", i, widths[i], w)
		}
	}
	if !strings.Contains(string(svg), "prefers-color-scheme:dark") {
		t.Error("no colours for the dark")
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0.123: "0.12", 9.876: "9.88", 12.34: "12.3", 123.4: "123", -0.5: "-0.50"} {
		if got := Number(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
