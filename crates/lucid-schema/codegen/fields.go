// Prints, as JSON, what OpenAPI does not say of the API's Go types: the order of fields, which are pointers, which are
// written even when they are empty, the names of their types, and their numbers in protobuf. Run in a module that requires k8s.io/kubernetes:
//
//	cd testcluster && go run ../crates/lucid-schema/codegen/fields.go > fields.json
package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// Field is one JSON field of a struct.
type Field struct {
	Name string `json:"name"`
	// As reflection prints it: "*int32", "[]v1.Container".
	Type string `json:"type"`
	// Not left out when it is empty.
	Always bool `json:"always"`
	// Left out when it is the zero value of its struct.
	OmitZero bool `json:"omitzero"`
	// Its number in protobuf, behind those of the messages that JSON does not show.
	Proto []int `json:"proto"`
}

var unmarshaler = reflect.TypeOf((*json.Unmarshaler)(nil)).Elem()

var types = map[string][]Field{}

// name is the type's name in the OpenAPI document.
func name(t reflect.Type) string {
	path := strings.Split(t.PkgPath(), "/")
	domain := strings.Split(path[0], ".")
	for i, j := 0, len(domain)-1; i < j; i, j = i+1, j-1 {
		domain[i], domain[j] = domain[j], domain[i]
	}
	return strings.Join(append(domain, append(path[1:], t.Name())...), ".")
}

func visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		visit(t.Elem())
	case reflect.Struct:
		// Quantities, times and the like read and write themselves.
		if reflect.PointerTo(t).Implements(unmarshaler) {
			return
		}
		if _, seen := types[name(t)]; !seen && t.PkgPath() != "" {
			types[name(t)] = nil
			types[name(t)] = fields(t)
		}
	}
}

// number is a field's number in protobuf; empty when it has none of its own.
func number(f reflect.StructField) []int {
	parts := strings.Split(f.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return nil
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil
	}
	return []int{n}
}

func fields(t reflect.Type) []Field {
	out := []Field{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, found := f.Tag.Lookup("json")
		parts := strings.Split(tag, ",")
		switch {
		case !f.IsExported() || parts[0] == "-":
		case f.Anonymous && parts[0] == "":
			for _, inner := range fields(f.Type) {
				inner.Proto = append(number(f), inner.Proto...)
				out = append(out, inner)
			}
			visit(f.Type)
		case found:
			has := func(option string) bool {
				return strings.Contains(","+strings.Join(parts[1:], ",")+",", ","+option+",")
			}
			always := !has("omitempty") && !has("omitzero")
			out = append(out, Field{parts[0], f.Type.String(), always, has("omitzero"), number(f)})
			visit(f.Type)
		}
	}
	return out
}

func main() {
	for _, t := range scheme.Scheme.AllKnownTypes() {
		visit(t)
	}
	visit(reflect.TypeOf(apiextensions.CustomResourceDefinition{}))
	visit(reflect.TypeOf(apiregistration.APIService{}))
	if err := json.NewEncoder(os.Stdout).Encode(types); err != nil {
		panic(err)
	}
}
