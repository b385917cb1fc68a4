// SPDX-License-Identifier: MIT

// This file holds what the Accept-Encoding header says of a content coding.

// Package coding reads the weights of content codings (RFC 9110, section 12.5.3), and
// whether somebody else applies one.
package coding

import (
	"net/http"
	"strconv"
	"strings"
)

// Weight is the weight, from 0 to 1, that the values of Accept-Encoding give to a
// coding, by its name or by "*"; 0 means never. One that is not mentioned, or
// whose weight can't be read, has 0.
func Weight(accept []string, name string) float64 {
	weight, ok := Named(accept, name)
	if !ok {
		weight, _ = Named(accept, "*")
	}
	return weight
}

// Named is Weight of a coding by its name alone. It reports whether the name is
// there.
func Named(accept []string, name string) (weight float64, ok bool) {
	for _, h := range accept {
		for part := range strings.SplitSeq(h, ",") {
			coding, params, _ := strings.Cut(part, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), name) {
				continue
			}
			_, q, weighed := strings.Cut(strings.ToLower(strings.ReplaceAll(params, " ", "")), "q=")
			if !weighed {
				return 1, true
			}
			weight, err := strconv.ParseFloat(q, 64)
			if err != nil || !(weight >= 0 && weight <= 1) {
				return 0, true
			}
			return weight, true
		}
	}
	return 0, false
}

// Applied reports whether somebody else encodes, or may encode, the body of a response,
// by the header as it is before the handler sets anything: a middleware that compresses
// has named the encoding, or that it looks at Accept-Encoding. The body must then be
// written as it is, and its length is not known.
func Applied(h http.Header) bool {
	coding := h.Get("Content-Encoding")
	return coding != "" && !strings.EqualFold(coding, "identity") || Varies(h)
}

// Varies reports whether the header of a response says that it depends on
// Accept-Encoding.
func Varies(h http.Header) bool {
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), "Accept-Encoding") {
				return true
			}
		}
	}
	return false
}
