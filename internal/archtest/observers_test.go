// SPDX-License-Identifier: MIT

// This file holds the rule that lets observers grow after version 1.0.

package archtest_test

import (
	"go/types"
	"strings"
	"testing"
)

// An interface of observers can't get a method without breaking its implementations. So
// an interface is for one kind of event, with few methods, a new kind gets a new one, and
// each method has a struct of this module among its parameters, which can get fields.
func TestObserversCanGrow(t *testing.T) {
	imports, seen := exportData(t), 0
	for _, path := range []string{module, module + "/engineio"} {
		pkg, err := imports.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range pkg.Scope().Names() {
			object, ok := pkg.Scope().Lookup(n).(*types.TypeName)
			if !ok || object.IsAlias() || !object.Exported() || !strings.HasSuffix(n, "Observer") {
				continue
			}
			i, ok := object.Type().Underlying().(*types.Interface)
			if !ok {
				continue
			}
			seen++
			if i.NumMethods() > 3 {
				t.Errorf("%s has %d methods, want at most 3", object.Type(), i.NumMethods())
			}
			for m := range i.Methods() {
				if !hasStruct(m.Signature().Params()) {
					t.Errorf("%s.%s has no struct among its parameters, which could get fields", object.Type(), m.Name())
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("%d interfaces of observers were found, want at least 10", seen)
	}
}

// hasStruct reports whether one of the parameters is an exported struct of this module, or
// a pointer to one.
func hasStruct(params *types.Tuple) bool {
	for v := range params.Variables() {
		t := v.Type()
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		named, ok := types.Unalias(t).(*types.Named)
		if !ok || named.Obj().Pkg() == nil || !strings.HasPrefix(named.Obj().Pkg().Path(), module) || !named.Obj().Exported() {
			continue
		}
		if _, ok := named.Underlying().(*types.Struct); ok {
			return true
		}
	}
	return false
}
