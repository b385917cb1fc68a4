// SPDX-License-Identifier: MIT

// This file holds Check, CheckOptions and CheckSigns.

// Package durations finds durations that were written without a unit, and negative
// options.
package durations

import (
	"fmt"
	"reflect"
	"time"
)

// Check panics if d, the value of name, is positive and less than a millisecond:
// PingInterval: 25000 is 25 µs and compiles. The message suggests the intended value.
// likely is the usual unit of such a number, time.Millisecond or time.Second; with
// milliseconds, a number below 1000 may also be seconds.
func Check(name string, d, likely time.Duration) {
	if d <= 0 || d >= time.Millisecond {
		return
	}
	n := int64(d)
	meant := fmt.Sprintf("%d*time.Second", n)
	switch {
	case likely == time.Second:
	case n < 1000:
		meant += fmt.Sprintf(" or %d*time.Millisecond", n)
	case n%1000 == 0:
		meant = fmt.Sprintf("%d*time.Second", n/1000)
	default:
		meant = fmt.Sprintf("%d*time.Millisecond", n)
	}
	panic(fmt.Sprintf("%s is %d nanoseconds: did you mean %s?", name, n, meant))
}

// CheckOptions calls Check for each field of options that is a time.Duration. options
// is a pointer to a struct whose name is prefix.
func CheckOptions(prefix string, options any, likely time.Duration) {
	v := reflect.ValueOf(options).Elem()
	for i := range v.NumField() {
		if d, ok := v.Field(i).Interface().(time.Duration); ok {
			Check(prefix+"."+v.Type().Field(i).Name, d, likely)
		}
	}
}

// CheckSigns panics if a field of options that is an int or a time.Duration is
// negative. options is a pointer to a struct whose name is prefix.
func CheckSigns(prefix string, options any) {
	v := reflect.ValueOf(options).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i).Interface().(type) {
		case int:
			checkSign(prefix, v.Type().Field(i).Name, int64(f))
		case time.Duration:
			checkSign(prefix, v.Type().Field(i).Name, int64(f))
		}
	}
}

func checkSign(prefix, name string, v int64) {
	if v < 0 {
		panic(prefix + "." + name + " must not be negative")
	}
}
