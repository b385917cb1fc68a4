// SPDX-License-Identifier: MIT

// This file checks deploy/kubernetes.yaml: that it is YAML of the shape that the
// API has, that its parts name each other, and that the program takes the flags and
// serves the paths it names. There is no cluster here to run it in.

package frameworks_test

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"socketio/internal/tether"
)

type labels map[string]string

type probe struct {
	HTTPGet struct {
		Path string
		Port string
	} `yaml:"httpGet"`
	PeriodSeconds    int `yaml:"periodSeconds"`
	FailureThreshold int `yaml:"failureThreshold"`
}

// A deployment and the others below have the fields that the manifest uses; what
// they do not have is an error.
type deployment struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Replicas int
		Selector struct {
			MatchLabels labels `yaml:"matchLabels"`
		}
		Strategy struct {
			RollingUpdate struct {
				MaxUnavailable int `yaml:"maxUnavailable"`
				MaxSurge       int `yaml:"maxSurge"`
			} `yaml:"rollingUpdate"`
		}
		Template struct {
			Metadata struct{ Labels labels }
			Spec     struct {
				Grace           int            `yaml:"terminationGracePeriodSeconds"`
				SecurityContext map[string]any `yaml:"securityContext"`
				Containers      []container
			}
		}
	}
}

type container struct {
	Name, Image string
	Args        []string
	Ports       []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	Env       []struct{ Name, Value string }
	Resources struct{ Requests, Limits map[string]string }
	Readiness probe `yaml:"readinessProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Lifecycle struct {
		PreStop struct {
			Sleep struct{ Seconds int }
		} `yaml:"preStop"`
	}
	SecurityContext map[string]any `yaml:"securityContext"`
}

type service struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Selector labels
		Affinity string `yaml:"sessionAffinity"`
		Config   struct {
			ClientIP struct {
				Timeout int `yaml:"timeoutSeconds"`
			} `yaml:"clientIP"`
		} `yaml:"sessionAffinityConfig"`
		Ports []struct {
			Name       string
			Port       int
			TargetPort string `yaml:"targetPort"`
		}
	}
}

type disruptionBudget struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		MaxUnavailable int `yaml:"maxUnavailable"`
		Selector       struct {
			MatchLabels labels `yaml:"matchLabels"`
		}
	}
}

type ingress struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name        string
		Annotations labels
	}
	Spec struct {
		Class string `yaml:"ingressClassName"`
		Rules []struct {
			Host string
			HTTP struct {
				Paths []struct {
					Path     string
					PathType string `yaml:"pathType"`
					Backend  struct {
						Service struct {
							Name string
							Port struct{ Name string }
						}
					}
				}
			} `yaml:"http"`
		}
	}
}

func TestKubernetes(t *testing.T) {
	text, err := os.ReadFile("../../deploy/kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), "\n---\n")
	if len(parts) != 4 {
		t.Fatalf("%d documents, want 4", len(parts))
	}
	var d deployment
	var s service
	var b disruptionBudget
	var i ingress
	for n, into := range []any{&d, &s, &b, &i} {
		if err := yaml.NewDecoder(strings.NewReader(parts[n]), yaml.Strict()).Decode(into); err != nil {
			t.Fatalf("document %d: %v", n, err)
		}
	}
	is := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	is("the deployment", d.APIVersion+" "+d.Kind, "apps/v1 Deployment")
	is("the service", s.APIVersion+" "+s.Kind, "v1 Service")
	is("the budget", b.APIVersion+" "+b.Kind, "policy/v1 PodDisruptionBudget")
	is("the ingress", i.APIVersion+" "+i.Kind, "networking.k8s.io/v1 Ingress")
	app := d.Spec.Template.Metadata.Labels["app"]
	for what, l := range map[string]labels{"deployment": d.Spec.Selector.MatchLabels, "service": s.Spec.Selector, "budget": b.Spec.Selector.MatchLabels} {
		is("whom the "+what+" selects", l["app"], app)
	}
	c := d.Spec.Template.Spec.Containers[0]
	is("the port of the service", s.Spec.Ports[0].TargetPort, c.Ports[0].Name)
	is("the port of the readiness probe", c.Readiness.HTTPGet.Port, c.Ports[0].Name)
	is("the port of the liveness probe", c.Liveness.HTTPGet.Port, c.Ports[0].Name)
	path := i.Spec.Rules[0].HTTP.Paths[0]
	is("the service of the ingress", path.Backend.Service.Name, s.Metadata.Name)
	is("its port", path.Backend.Service.Port.Name, s.Spec.Ports[0].Name)
	is("the affinity of the service", s.Spec.Affinity, "ClientIP")
	is("the pods that an update may take away", d.Spec.Strategy.RollingUpdate.MaxUnavailable, 0)
	const nginx = "nginx.ingress.kubernetes.io/"
	is("the affinity of the ingress", i.Metadata.Annotations[nginx+"upstream-hash-by"], "$binary_remote_addr")
	if wait, err := strconv.Atoi(i.Metadata.Annotations[nginx+"proxy-read-timeout"]); err != nil || wait <= 45 {
		t.Errorf("the ingress waits %d s, %v; want more than PingInterval and PingTimeout", wait, err)
	}

	flags := make(map[string]string)
	for _, arg := range c.Args {
		name, value, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		flags[name] = value
	}
	is("the port it listens on", flags["addr"], ":"+strconv.Itoa(c.Ports[0].ContainerPort))
	drain, err := time.ParseDuration(flags["drain"])
	if own := drain + time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second; err != nil || own >= time.Duration(d.Spec.Template.Spec.Grace)*time.Second {
		t.Errorf("a pod is killed after %d s, and its own end may take %v (%v)", d.Spec.Template.Spec.Grace, own, err)
	}
	limit, ok := strings.CutSuffix(c.Env[0].Value, "MiB")
	memory, ok2 := strings.CutSuffix(c.Resources.Limits["memory"], "Mi")
	used, _ := strconv.Atoi(limit)
	all, _ := strconv.Atoi(memory)
	if !ok || !ok2 || c.Env[0].Name != "GOMEMLIMIT" || used < all*8/10 || used > all*95/100 {
		t.Errorf("%s is %s of %s, want about nine tenths", c.Env[0].Name, c.Env[0].Value, c.Resources.Limits["memory"])
	}
	serves(t, c.Args, c.Readiness.HTTPGet.Path, c.Liveness.HTTPGet.Path, path.Path+"?EIO=4&transport=polling")
}

// serves builds the program that the manifest names, starts it with its flags, but
// on ports that are free, and asks it for paths.
func serves(t *testing.T, args []string, paths ...string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "production")
	build := exec.Command("go", "build", "-o", program, "./examples/production")
	build.Dir = "../.."
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, append(args, "-addr=127.0.0.1:0", "-debug=127.0.0.1:0")...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tether.Start(t, cmd); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: time.Minute}
	defer func() {
		client.CloseIdleConnections()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ends with %v", err)
		}
	}()
	lines := bufio.NewScanner(out)
	address := ""
	for address == "" && lines.Scan() {
		address, _ = strings.CutPrefix(lines.Text(), "listening tcp ")
		if address == lines.Text() {
			address = ""
		}
	}
	for _, path := range paths {
		resp, err := client.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s is answered %d", path, resp.StatusCode)
		}
	}
}
