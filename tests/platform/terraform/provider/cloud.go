package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// cloud is the file that stands for an AWS account: resources by "type/id". Anyone may edit it between two runs; that
// is what drift is. Written says which write-only arguments have arrived: their values are kept nowhere.
type cloud struct {
	path string
	lock sync.Mutex
}

type record struct {
	Type       string
	Attributes json.RawMessage
	Written    []string `json:",omitempty"`
}

func (c *cloud) read() (map[string]record, error) {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]record{}, nil
	}
	if err != nil {
		return nil, err
	}
	all := map[string]record{}
	return all, json.Unmarshal(text, &all)
}

// change reads, lets f change, and writes whole, or not at all.
func (c *cloud) change(f func(map[string]record) error) error {
	c.lock.Lock()
	defer c.lock.Unlock()
	all, err := c.read()
	if err != nil {
		return err
	}
	if err := f(all); err != nil {
		return err
	}
	bytes, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.path+".new", bytes, 0o600); err != nil {
		return err
	}
	return os.Rename(c.path+".new", c.path)
}

func (c *cloud) get(typeName, id string) (record, bool, error) {
	c.lock.Lock()
	defer c.lock.Unlock()
	all, err := c.read()
	found, ok := all[typeName+"/"+id]
	return found, ok, err
}

func (c *cloud) put(typeName, id string, create bool, v tftypes.Value, written []string) error {
	bytes, err := json.Marshal(plain(v))
	if err != nil {
		return err
	}
	return c.change(func(all map[string]record) error {
		key := typeName + "/" + id
		old, exists := all[key]
		if create && exists {
			return fmt.Errorf("%s exists already", key)
		}
		if len(written) == 0 {
			written = old.Written
		}
		all[key] = record{Type: typeName, Attributes: bytes, Written: written}
		return nil
	})
}

// remove refuses what AWS refuses: a thing whose deletion protection is on.
func (c *cloud) remove(typeName, id string, v tftypes.Value) error {
	for _, name := range []string{"deletion_protection", "enable_deletion_protection"} {
		protected := false
		if v, ok := fieldsOf(v)[name]; ok && !v.IsNull() {
			must(v.As(&protected))
		}
		if protected {
			return fmt.Errorf("%s/%s: deletion protection is on", typeName, id)
		}
	}
	return c.change(func(all map[string]record) error { delete(all, typeName+"/"+id); return nil })
}

// names says how AWS names things, for the types whose names appear in policies. {name}, {bucket}... are attributes.
var names = map[string]struct{ id, arn string }{
	"aws_cloudwatch_log_group":        {"{name}", "arn:aws:logs:{region}:{account}:log-group:{name}"},
	"aws_cloudwatch_metric_alarm":     {"{alarm_name}", "arn:aws:cloudwatch:{region}:{account}:alarm:{alarm_name}"},
	"aws_docdb_cluster":               {"{cluster_identifier}", "arn:aws:rds:{region}:{account}:cluster:{cluster_identifier}"},
	"aws_docdb_cluster_instance":      {"{identifier}", "arn:aws:rds:{region}:{account}:db:{identifier}"},
	"aws_ecr_repository":              {"{name}", "arn:aws:ecr:{region}:{account}:repository/{name}"},
	"aws_eks_cluster":                 {"{name}", "arn:aws:eks:{region}:{account}:cluster/{name}"},
	"aws_eks_node_group":              {"{cluster_name}:{node_group_name}", "arn:aws:eks:{region}:{account}:nodegroup/{cluster_name}/{node_group_name}/{seed}"},
	"aws_iam_openid_connect_provider": {"arn:aws:iam::{account}:oidc-provider/{url}", "arn:aws:iam::{account}:oidc-provider/{url}"},
	"aws_iam_policy":                  {"arn:aws:iam::{account}:policy/{name}", "arn:aws:iam::{account}:policy/{name}"},
	"aws_iam_role":                    {"{name}", "arn:aws:iam::{account}:role/{name}"},
	"aws_kms_alias":                   {"{name}", "arn:aws:kms:{region}:{account}:{name}"},
	"aws_kms_key":                     {"key-{seed}", "arn:aws:kms:{region}:{account}:key/key-{seed}"},
	"aws_lb_target_group":             {"arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{seed}", "arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/{seed}"},
	"aws_msk_cluster":                 {"arn:aws:kafka:{region}:{account}:cluster/{cluster_name}/{seed}", "arn:aws:kafka:{region}:{account}:cluster/{cluster_name}/{seed}"},
	"aws_s3_bucket":                   {"{bucket}", "arn:aws:s3:::{bucket}"},
	"aws_secretsmanager_secret":       {"arn:aws:secretsmanager:{region}:{account}:secret:{name}-{seed}", "arn:aws:secretsmanager:{region}:{account}:secret:{name}-{seed}"},
	"aws_sns_topic":                   {"arn:aws:sns:{region}:{account}:{name}", "arn:aws:sns:{region}:{account}:{name}"},
	"aws_vpc":                         {"vpc-{seed}", "arn:aws:ec2:{region}:{account}:vpc/vpc-{seed}"},
}

// named answers the id and ARN that a new resource gets.
func (s *server) named(typeName, seed string, f fields) (id, arn string) {
	pattern, ok := names[typeName]
	if !ok {
		service, rest, _ := strings.Cut(strings.TrimPrefix(typeName, "aws_"), "_")
		pattern.id = strings.ReplaceAll(typeName, "aws_", "") + "-{seed}"
		pattern.arn = "arn:aws:" + service + ":{region}:{account}:" + rest + "/{seed}"
	}
	pairs := []string{"{region}", s.region, "{account}", s.account, "{seed}", seed[:8]}
	for name, v := range f {
		if value := text(v); value != "" {
			pairs = append(pairs, "{"+name+"}", strings.TrimPrefix(value, "https://"))
		}
	}
	replace := strings.NewReplacer(pairs...)
	return replace.Replace(pattern.id), replace.Replace(pattern.arn)
}
