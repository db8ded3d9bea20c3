// strict - reads rendered manifests as an API server would: every object decoded by its kind's own type or by its CRD's
// schema, unknown and repeated keys and wrong types refused. It says each mistake on stderr and ends with 1; else it
// writes all objects as one JSON list to stdout, for the rules of security.
//
//	strict CRD-FOLDER < manifests.yaml
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

type custom struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
}

// The schema of each version of a CRD, by "apiVersion/kind".
func load(folder string) (map[string]custom, error) {
	all := map[string]custom{}
	paths, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var crd v1.CustomResourceDefinition
		if err := yaml.Unmarshal(text, &crd); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		for _, version := range crd.Spec.Versions {
			var props apiextensions.JSONSchemaProps
			if err := v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &props, nil); err != nil {
				return nil, err
			}
			structural, err := schema.NewStructural(&props)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			validator, _, err := validation.NewSchemaValidator(&props)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			all[crd.Spec.Group+"/"+version.Name+"/"+crd.Spec.Names.Kind] = custom{structural, validator}
		}
	}
	return all, nil
}

func (c custom) check(object map[string]any) []string {
	var mistakes []string
	for _, err := range validation.ValidateCustomResource(nil, object, c.validator) {
		mistakes = append(mistakes, err.Error())
	}
	copied := json_copy(object)
	unknown := pruning.PruneWithOptions(copied, c.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		mistakes = append(mistakes, "unknown field "+path)
	}
	return mistakes
}

func json_copy(object map[string]any) map[string]any {
	text, _ := json.Marshal(object)
	var copied map[string]any
	_ = json.Unmarshal(text, &copied)
	return copied
}

func check(document []byte, customs map[string]custom, object map[string]any) []string {
	if err := yaml.UnmarshalStrict(document, &object); err != nil {
		return []string{err.Error()}
	}
	if len(object) == 0 {
		return nil
	}
	key := fmt.Sprintf("%v/%v", object["apiVersion"], object["kind"])
	if c, ok := customs[key]; ok {
		return c.check(object)
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	if _, _, err := decoder.Decode(document, nil, nil); err != nil {
		return []string{err.Error()}
	}
	return nil
}

func main() {
	customs, err := load(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	objects, failed := []map[string]any{}, false
	reader := utilyaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		object := map[string]any{}
		for _, mistake := range check(document, customs, object) {
			name := ""
			if metadata, ok := object["metadata"].(map[string]any); ok {
				name = fmt.Sprint(metadata["name"])
			}
			fmt.Fprintf(os.Stderr, "%v %s: %s\n", object["kind"], name, mistake)
			failed = true
		}
		if len(object) > 0 {
			objects = append(objects, object)
		}
	}
	if failed {
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(objects)
}
