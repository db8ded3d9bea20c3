package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// schemas is schema.mjs's output in the protocol's types.
type schemas struct {
	provider  *tfprotov5.Schema
	resources map[string]*tfprotov5.Schema
	data      map[string]*tfprotov5.Schema
	ephemeral map[string]*tfprotov5.Schema
}

type jsonAttribute struct {
	Type      json.RawMessage
	Computed  bool
	Optional  bool
	Required  bool
	Sensitive bool
	WriteOnly bool `json:"write_only"`
}

type jsonNested struct {
	Nesting  string
	Min, Max int64
	Block    jsonBlock
}

type jsonBlock struct {
	Attributes map[string]jsonAttribute
	Blocks     map[string]jsonNested
}

var nestings = map[string]tfprotov5.SchemaNestedBlockNestingMode{
	"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
	"list":   tfprotov5.SchemaNestedBlockNestingModeList,
	"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
}

func readSchemas(path string) (*schemas, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var in struct {
		Provider                   jsonBlock
		Resources, Data, Ephemeral map[string]jsonBlock
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	out := &schemas{}
	if out.provider, err = schemaOf(in.Provider); err != nil {
		return nil, fmt.Errorf("provider: %w", err)
	}
	for _, kind := range []struct {
		from map[string]jsonBlock
		to   *map[string]*tfprotov5.Schema
	}{{in.Resources, &out.resources}, {in.Data, &out.data}, {in.Ephemeral, &out.ephemeral}} {
		*kind.to = map[string]*tfprotov5.Schema{}
		for name, block := range kind.from {
			if (*kind.to)[name], err = schemaOf(block); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return out, nil
}

func schemaOf(in jsonBlock) (*tfprotov5.Schema, error) {
	block, err := blockOf(in)
	return &tfprotov5.Schema{Block: block}, err
}

func blockOf(in jsonBlock) (*tfprotov5.SchemaBlock, error) {
	out := &tfprotov5.SchemaBlock{}
	for _, name := range sorted(in.Attributes) {
		a := in.Attributes[name]
		typ, err := tftypes.ParseJSONType(a.Type)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{Name: name, Type: typ, Computed: a.Computed,
			Optional: a.Optional, Required: a.Required, Sensitive: a.Sensitive, WriteOnly: a.WriteOnly})
	}
	for _, name := range sorted(in.Blocks) {
		nested := in.Blocks[name]
		block, err := blockOf(nested.Block)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{TypeName: name, Block: block,
			Nesting: nestings[nested.Nesting], MinItems: nested.Min, MaxItems: nested.Max})
	}
	return out, nil
}

func sorted[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
