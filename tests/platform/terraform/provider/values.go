package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type fields = map[string]tftypes.Value

func fieldsOf(v tftypes.Value) fields {
	f := fields{}
	if !v.IsNull() && v.IsKnown() {
		must(v.As(&f))
	}
	return f
}

func elementsOf(v tftypes.Value) []tftypes.Value {
	var list []tftypes.Value
	if !v.IsNull() && v.IsKnown() {
		must(v.As(&list))
	}
	return list
}

// text is the string in a value, "" if it is null, unknown or none.
func text(v tftypes.Value) string {
	s := ""
	if v.Type() != nil && v.Type().Is(tftypes.String) && !v.IsNull() && v.IsKnown() {
		must(v.As(&s))
	}
	return s
}

func texts(v tftypes.Value) []string {
	var out []string
	for _, element := range elementsOf(v) {
		out = append(out, text(element))
	}
	return out
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// eachBlock replaces every nested block's value in f by change(its schema, it).
func eachBlock(b *tfprotov5.SchemaBlock, f fields, change func(*tfprotov5.SchemaBlock, tftypes.Value) tftypes.Value) {
	for _, nested := range b.BlockTypes {
		v := f[nested.TypeName]
		if v.IsNull() || !v.IsKnown() {
			continue
		}
		if nested.Nesting == tfprotov5.SchemaNestedBlockNestingModeSingle {
			f[nested.TypeName] = change(nested.Block, v)
			continue
		}
		elements := elementsOf(v)
		for i := range elements {
			elements[i] = change(nested.Block, elements[i])
		}
		f[nested.TypeName] = tftypes.NewValue(v.Type(), elements)
	}
}

// planned is what will be: as proposed, with all that the cloud decides unknown, and without what is only written.
// Terraform proposes the prior value of a computed attribute, so after the first apply nothing here is unknown again.
func planned(b *tfprotov5.SchemaBlock, v tftypes.Value) tftypes.Value {
	if v.IsNull() || !v.IsKnown() {
		return v
	}
	f := fieldsOf(v)
	for _, a := range b.Attributes {
		switch {
		case a.WriteOnly:
			f[a.Name] = tftypes.NewValue(a.Type, nil)
		case a.Computed && f[a.Name].IsNull():
			f[a.Name] = tftypes.NewValue(a.Type, tftypes.UnknownValue)
		}
	}
	eachBlock(b, f, planned)
	return tftypes.NewValue(v.Type(), f)
}

// filled gives every unknown value what a cloud might: `seed` makes it the same each time for the same resource.
func filled(b *tfprotov5.SchemaBlock, v tftypes.Value, seed string) tftypes.Value {
	if v.IsNull() {
		return v
	}
	f := fieldsOf(v)
	for _, a := range b.Attributes {
		if !f[a.Name].IsFullyKnown() {
			f[a.Name] = fill(f[a.Name], a.Name, seed, !a.Optional)
		}
	}
	eachBlock(b, f, func(inner *tfprotov5.SchemaBlock, element tftypes.Value) tftypes.Value {
		return filled(inner, element, seed)
	})
	return tftypes.NewValue(v.Type(), f)
}

// fill: collections that nobody may set get one element, since configurations look into them; others none.
func fill(v tftypes.Value, name, seed string, element bool) tftypes.Value {
	unknown := !v.IsKnown()
	switch t := v.Type().(type) {
	case tftypes.List:
		return fillElements(v, t.ElementType, name, seed, element && unknown)
	case tftypes.Set:
		return fillElements(v, t.ElementType, name, seed, element && unknown)
	case tftypes.Map:
		f := fieldsOf(v)
		for key, inner := range f {
			f[key] = fill(inner, key, seed, element)
		}
		return tftypes.NewValue(t, f)
	case tftypes.Object:
		f := fieldsOf(v)
		for key, typ := range t.AttributeTypes {
			inner, ok := f[key]
			if !ok {
				inner = tftypes.NewValue(typ, tftypes.UnknownValue)
			}
			f[key] = fill(inner, key, seed, element)
		}
		return tftypes.NewValue(t, f)
	}
	switch {
	case !unknown:
		return v
	case v.Type().Is(tftypes.Number):
		return tftypes.NewValue(v.Type(), big.NewFloat(1))
	case v.Type().Is(tftypes.Bool):
		return tftypes.NewValue(v.Type(), false)
	}
	return tftypes.NewValue(v.Type(), strings.ReplaceAll(name, "_", "-")+"-"+seed[:8])
}

func fillElements(v tftypes.Value, typ tftypes.Type, name, seed string, element bool) tftypes.Value {
	elements := elementsOf(v)
	if element {
		elements = append(elements, tftypes.NewValue(typ, tftypes.UnknownValue))
	}
	for i := range elements {
		elements[i] = fill(elements[i], name, seed, true)
	}
	if elements == nil {
		elements = []tftypes.Value{}
	}
	return tftypes.NewValue(v.Type(), elements)
}

// plain is a value as encoding/json writes it; unknown values are left out as null.
func plain(v tftypes.Value) any {
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	switch t := v.Type().(type) {
	case tftypes.List, tftypes.Set, tftypes.Tuple:
		out := []any{}
		for _, element := range elementsOf(v) {
			out = append(out, plain(element))
		}
		return out
	case tftypes.Map, tftypes.Object:
		out := map[string]any{}
		for key, inner := range fieldsOf(v) {
			out[key] = plain(inner)
		}
		return out
	default:
		switch {
		case t.Is(tftypes.Bool):
			b := false
			must(v.As(&b))
			return b
		case t.Is(tftypes.Number):
			n := new(big.Float)
			must(v.As(&n))
			return json.Number(n.Text('f', -1))
		}
		return text(v)
	}
}

func digest(parts ...any) string {
	hash := sha256.New()
	for _, part := range parts {
		bytes, err := json.Marshal(part)
		must(err)
		fmt.Fprintf(hash, "%d:%s", len(bytes), bytes)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
