// Prints, as JSON, when each version of each kind was deprecated and removed, as its Go type says. Run in a module that
// requires k8s.io/kubernetes:
//
//	cd testcluster && go run ../crates/lucid-schema/codegen/lifecycle.go > lifecycle.json
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"sort"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	extensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	aggregatorv1beta1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
)

// Life of one kind in one version. Versions are pairs of major and minor.
type Life struct {
	Group       string `json:"group"`
	Version     string `json:"version"`
	Kind        string `json:"kind"`
	Deprecated  []int  `json:"deprecated"`
	Removed     []int  `json:"removed"`
	Replacement string `json:"replacement"`
}

type deprecated interface{ APILifecycleDeprecated() (int, int) }
type removed interface{ APILifecycleRemoved() (int, int) }
type replaced interface{ APILifecycleReplacement() schema.GroupVersionKind }

func pair(major, minor int) []int { return []int{major, minor} }

func main() {
	types := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, extensionsv1beta1.AddToScheme, aggregatorv1beta1.AddToScheme} {
		if err := add(types); err != nil {
			panic(err)
		}
	}
	lives := []Life{}
	for kind, t := range types.AllKnownTypes() {
		life := Life{Group: kind.Group, Version: kind.Version, Kind: kind.Kind}
		value := reflect.New(t).Interface()
		if value, ok := value.(deprecated); ok {
			life.Deprecated = pair(value.APILifecycleDeprecated())
		}
		if value, ok := value.(removed); ok {
			life.Removed = pair(value.APILifecycleRemoved())
		}
		if value, ok := value.(replaced); ok {
			if new := value.APILifecycleReplacement(); new.Version != "" {
				life.Replacement = new.GroupVersion().String() + " " + new.Kind
			}
		}
		if life.Deprecated != nil || life.Removed != nil {
			lives = append(lives, life)
		}
	}
	sort.Slice(lives, func(i, j int) bool {
		a, b := lives[i], lives[j]
		return a.Group+"/"+a.Version+"/"+a.Kind < b.Group+"/"+b.Version+"/"+b.Kind
	})
	if err := json.NewEncoder(os.Stdout).Encode(lives); err != nil {
		panic(err)
	}
}
