// SPDX-License-Identifier: MIT

// This file interprets the header Accept-Encoding.

// Package coding reads the weights of content codings (RFC 9110, section 12.5.3), and
// detects codings applied by an outer handler.
package coding

import (
	"net/http"
	"strconv"
	"strings"
)

// Weight returns the weight, from 0 to 1, that the values of Accept-Encoding give to a
// coding, by its name or by "*". 0 means unacceptable. It returns 0 for a coding that is
// not mentioned or whose weight can't be parsed.
func Weight(accept []string, name string) float64 {
	weight, ok := Named(accept, name)
	if !ok {
		weight, _ = Named(accept, "*")
	}
	return weight
}

// Named is like Weight but ignores "*". It reports whether the coding is named.
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

// Applied reports whether an outer handler encodes, or may encode, the body of a
// response. It inspects the header before the inner handler sets anything: a compressing
// middleware has set Content-Encoding, or Vary with Accept-Encoding. The body must then
// be written unencoded, and its length is unknown.
func Applied(h http.Header) bool {
	coding := h.Get("Content-Encoding")
	return coding != "" && !strings.EqualFold(coding, "identity") || Varies(h)
}

// Varies reports whether the header Vary of a response contains Accept-Encoding.
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
