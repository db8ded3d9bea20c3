package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// server answers the calls that OpenTofu makes. The embedded interface holds those it never makes (import, moves, ...).
type server struct {
	tfprotov5.ProviderServer
	schemas *schemas
	cloud   *cloud
	region  string
	account string
	tags    fields
}

func failed(err error) []*tfprotov5.Diagnostic {
	if err == nil {
		return nil
	}
	return []*tfprotov5.Diagnostic{{Severity: tfprotov5.DiagnosticSeverityError, Summary: err.Error()}}
}

func pack(schema *tfprotov5.Schema, v tftypes.Value) *tfprotov5.DynamicValue {
	out, err := tfprotov5.NewDynamicValue(schema.ValueType(), v)
	must(err)
	return &out
}

func unpack(schema *tfprotov5.Schema, v *tfprotov5.DynamicValue) tftypes.Value {
	out, err := v.Unmarshal(schema.ValueType())
	must(err)
	return out
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return &tfprotov5.GetProviderSchemaResponse{Provider: s.schemas.provider, ResourceSchemas: s.schemas.resources,
		DataSourceSchemas: s.schemas.data, EphemeralResourceSchemas: s.schemas.ephemeral}, nil
}

func (s *server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s *server) GetFunctions(context.Context, *tfprotov5.GetFunctionsRequest) (*tfprotov5.GetFunctionsResponse, error) {
	return &tfprotov5.GetFunctionsResponse{}, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, req *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: req.Config}, nil
}

func (s *server) ConfigureProvider(_ context.Context, req *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	config := fieldsOf(unpack(s.schemas.provider, req.Config))
	s.region, s.account, s.tags = text(config["region"]), "000000000000", fields{}
	if s.region == "" {
		return &tfprotov5.ConfigureProviderResponse{Diagnostics: failed(fmt.Errorf("provider: no region"))}, nil
	}
	if ids := texts(config["allowed_account_ids"]); len(ids) > 0 {
		s.account = ids[0] // credentials for the wrong account are refused by the real provider, which asks AWS
	}
	for _, block := range elementsOf(config["default_tags"]) {
		s.tags = fieldsOf(fieldsOf(block)["tags"])
	}
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

// ValidateResourceTypeConfig: the schema's rules are OpenTofu's to check; a policy that is no JSON is ours.
func (s *server) ValidateResourceTypeConfig(_ context.Context, req *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	out := &tfprotov5.ValidateResourceTypeConfigResponse{}
	for name, v := range fieldsOf(unpack(s.schemas.resources[req.TypeName], req.Config)) {
		if policy := text(v); strings.HasSuffix(name, "policy") && policy != "" && !json.Valid([]byte(policy)) {
			out.Diagnostics = append(out.Diagnostics, failed(fmt.Errorf("%s.%s is not JSON", req.TypeName, name))...)
		}
	}
	return out, nil
}

func (s *server) UpgradeResourceState(_ context.Context, req *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	schema := s.schemas.resources[req.TypeName]
	v, err := req.RawState.Unmarshal(schema.ValueType())
	if err != nil {
		return &tfprotov5.UpgradeResourceStateResponse{Diagnostics: failed(err)}, nil
	}
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: pack(schema, v)}, nil
}

func (s *server) ReadResource(_ context.Context, req *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	schema := s.schemas.resources[req.TypeName]
	id := text(fieldsOf(unpack(schema, req.CurrentState))["id"])
	found, ok, err := s.cloud.get(req.TypeName, id)
	v := tftypes.NewValue(schema.ValueType(), nil)
	if ok && err == nil {
		v, err = tftypes.ValueFromJSON(found.Attributes, schema.ValueType())
	}
	if err != nil {
		return &tfprotov5.ReadResourceResponse{Diagnostics: failed(fmt.Errorf("reading %s/%s: %w", req.TypeName, id, err))}, nil
	}
	return &tfprotov5.ReadResourceResponse{NewState: pack(schema, v)}, nil
}

func (s *server) PlanResourceChange(_ context.Context, req *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	schema := s.schemas.resources[req.TypeName]
	proposed := unpack(schema, req.ProposedNewState)
	if proposed.IsNull() {
		return &tfprotov5.PlanResourceChangeResponse{PlannedState: req.ProposedNewState}, nil
	}
	v := planned(schema.Block, proposed)
	f := fieldsOf(v)
	if region, ok := f["region"]; ok && !region.IsKnown() {
		f["region"] = tftypes.NewValue(tftypes.String, s.region)
	}
	if tags, ok := f["tags"]; ok && hasAttribute(schema, "tags_all") {
		f["tags_all"] = s.withDefaults(tags)
	}
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: pack(schema, tftypes.NewValue(v.Type(), f))}, nil
}

func hasAttribute(schema *tfprotov5.Schema, name string) bool {
	_, ok := schema.ValueType().(tftypes.Object).AttributeTypes[name]
	return ok
}

// withDefaults merges the provider's default_tags under a resource's own.
func (s *server) withDefaults(tags tftypes.Value) tftypes.Value {
	typ := tftypes.Map{ElementType: tftypes.String}
	if !tags.IsKnown() {
		return tftypes.NewValue(typ, tftypes.UnknownValue)
	}
	all := fields{}
	for key, v := range s.tags {
		all[key] = v
	}
	for key, v := range fieldsOf(tags) {
		all[key] = v
	}
	return tftypes.NewValue(typ, all)
}

func (s *server) ApplyResourceChange(_ context.Context, req *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	schema := s.schemas.resources[req.TypeName]
	prior, plan := unpack(schema, req.PriorState), unpack(schema, req.PlannedState)
	if plan.IsNull() {
		err := s.cloud.remove(req.TypeName, text(fieldsOf(prior)["id"]), prior)
		if err != nil {
			return &tfprotov5.ApplyResourceChangeResponse{NewState: req.PriorState, Diagnostics: failed(err)}, nil
		}
		return &tfprotov5.ApplyResourceChangeResponse{NewState: req.PlannedState}, nil
	}
	v := s.made(schema, req.TypeName, plan)
	err := s.cloud.put(req.TypeName, text(fieldsOf(v)["id"]), prior.IsNull(), v, written(schema, unpack(schema, req.Config)))
	if err != nil {
		return &tfprotov5.ApplyResourceChangeResponse{NewState: req.PriorState, Diagnostics: failed(err)}, nil
	}
	return &tfprotov5.ApplyResourceChangeResponse{NewState: pack(schema, v)}, nil
}

// made is the planned state with everything known that the cloud decides.
func (s *server) made(schema *tfprotov5.Schema, typeName string, plan tftypes.Value) tftypes.Value {
	seed := digest(typeName, plain(plan))
	f := fieldsOf(plan)
	for name, v := range f { // name_prefix = "exam-": the name is the prefix and something
		if whole, ok := f[strings.TrimSuffix(name, "_prefix")]; ok && strings.HasSuffix(name, "_prefix") && !whole.IsKnown() && text(v) != "" {
			f[strings.TrimSuffix(name, "_prefix")] = tftypes.NewValue(tftypes.String, text(v)+seed[:8])
		}
	}
	id, arn := s.named(typeName, seed, f)
	for name, value := range map[string]string{"id": id, "arn": arn} {
		if v, ok := f[name]; ok && !v.IsKnown() {
			f[name] = tftypes.NewValue(tftypes.String, value)
		}
	}
	return filled(schema.Block, tftypes.NewValue(plan.Type(), f), seed)
}

// written lists the write-only arguments that have a value.
func written(schema *tfprotov5.Schema, config tftypes.Value) []string {
	var out []string
	f := fieldsOf(config)
	for _, a := range schema.Block.Attributes {
		if a.WriteOnly && !f[a.Name].IsNull() {
			out = append(out, a.Name)
		}
	}
	return out
}

func (s *server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (s *server) ReadDataSource(_ context.Context, req *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	schema := s.schemas.data[req.TypeName]
	config := unpack(schema, req.Config)
	f := fieldsOf(planned(schema.Block, config))
	known := map[string]string{"region": s.region}
	switch req.TypeName {
	case "aws_caller_identity":
		known["account_id"], known["id"] = s.account, s.account
	case "aws_partition":
		known["partition"], known["dns_suffix"] = "aws", "amazonaws.com"
	case "aws_iam_policy_document":
		known["json"] = policyDocument(f)
	}
	for name, value := range known {
		if v, ok := f[name]; ok && !v.IsKnown() {
			f[name] = tftypes.NewValue(tftypes.String, value)
		}
	}
	v := filled(schema.Block, tftypes.NewValue(config.Type(), f), digest(req.TypeName, plain(config)))
	return &tfprotov5.ReadDataSourceResponse{State: pack(schema, v)}, nil
}

func (s *server) ValidateEphemeralResourceConfig(context.Context, *tfprotov5.ValidateEphemeralResourceConfigRequest) (*tfprotov5.ValidateEphemeralResourceConfigResponse, error) {
	return &tfprotov5.ValidateEphemeralResourceConfigResponse{}, nil
}

func (s *server) OpenEphemeralResource(_ context.Context, req *tfprotov5.OpenEphemeralResourceRequest) (*tfprotov5.OpenEphemeralResourceResponse, error) {
	schema := s.schemas.ephemeral[req.TypeName]
	v := filled(schema.Block, planned(schema.Block, unpack(schema, req.Config)), digest(req.TypeName, ephemeralSeed))
	return &tfprotov5.OpenEphemeralResourceResponse{Result: pack(schema, v)}, nil
}

// ephemeralSeed makes the test's password findable: terraform.sh looks for it in state and plan, where it must not be.
const ephemeralSeed = "ephemeral"

func (s *server) CloseEphemeralResource(context.Context, *tfprotov5.CloseEphemeralResourceRequest) (*tfprotov5.CloseEphemeralResourceResponse, error) {
	return &tfprotov5.CloseEphemeralResourceResponse{}, nil
}
