package main

import (
	"encoding/json"
	"sort"
)

// policyDocument renders a data aws_iam_policy_document as AWS's policy language: one statement a block, single
// values as strings, lists sorted, so that the rules of security.mjs see the policies that AWS would get.
func policyDocument(f fields) string {
	statements := []any{}
	for _, source := range texts(f["source_policy_documents"]) {
		var inner struct{ Statement []any }
		if json.Unmarshal([]byte(source), &inner) == nil {
			statements = append(statements, inner.Statement...)
		}
	}
	for _, v := range elementsOf(f["statement"]) {
		statements = append(statements, policyStatement(fieldsOf(v)))
	}
	out, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
	must(err)
	return string(out)
}

func policyStatement(f fields) map[string]any {
	out := map[string]any{"Effect": "Allow"}
	if effect := text(f["effect"]); effect != "" {
		out["Effect"] = effect
	}
	if sid := text(f["sid"]); sid != "" {
		out["Sid"] = sid
	}
	for from, to := range map[string]string{"actions": "Action", "not_actions": "NotAction", "resources": "Resource", "not_resources": "NotResource"} {
		if list := texts(f[from]); len(list) > 0 {
			out[to] = oneOrMany(list)
		}
	}
	for from, to := range map[string]string{"principals": "Principal", "not_principals": "NotPrincipal"} {
		who := map[string]any{}
		for _, v := range elementsOf(f[from]) {
			p := fieldsOf(v)
			who[text(p["type"])] = oneOrMany(texts(p["identifiers"]))
		}
		if len(who) > 0 {
			out[to] = who
		}
	}
	conditions := map[string]map[string]any{}
	for _, v := range elementsOf(f["condition"]) {
		c := fieldsOf(v)
		test := text(c["test"])
		if conditions[test] == nil {
			conditions[test] = map[string]any{}
		}
		conditions[test][text(c["variable"])] = oneOrMany(texts(c["values"]))
	}
	if len(conditions) > 0 {
		out["Condition"] = conditions
	}
	return out
}

func oneOrMany(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	sort.Strings(list)
	return list
}
