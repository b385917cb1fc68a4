// SPDX-License-Identifier: MIT

// This file holds the rule of the modules: each builds from its own folder.

package archtest_test

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// "go build ./..." in the folder of a module must not fail because the module is missing
// in the workspace of the root. "go list" finds that without a build and without the
// requirements; make lint builds.
func TestModulesBuildFromTheirFolders(t *testing.T) {
	var modules int
	walk(t, func(name string, d fs.DirEntry) {
		if d.Name() != "go.mod" {
			return
		}
		modules++
		dir := filepath.Dir(name)
		cmd := exec.Command("go", "list", "-e", "-f", "{{.ImportPath}}", "./...")
		cmd.Dir = filepath.Join(root, dir)
		cmd.Env = append(cmd.Environ(), "GOWORK=") // the one that is found there
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "socketio") {
			t.Errorf("go list ./... in %s: %v\n%s", dir, err, out)
		}
	})
	if modules < 6 {
		t.Errorf("%d modules were found, want at least 6", modules)
	}
}
