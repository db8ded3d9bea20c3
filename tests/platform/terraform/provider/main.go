// Command provider is a test double of the AWS provider: it speaks Terraform's plugin protocol, serves the schema of
// hashicorp/aws 6.25.0 that schema.mjs extracts, plans as the real one does (whatever the cloud decides is unknown
// until applied), and keeps its "cloud" in a JSON file, so that a test can change it behind Terraform's back.
//
// Read schema.go, then server.go (the protocol), values.go (planning and filling), cloud.go (what is kept), policy.go.
package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

func main() {
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "provider:", err)
		os.Exit(3)
	}
}

func serve() error {
	schemas, err := readSchemas(os.Getenv("EXAMHALL_AWS_SCHEMA"))
	if err != nil {
		return fmt.Errorf("EXAMHALL_AWS_SCHEMA names the output of schema.mjs: %w", err)
	}
	path := os.Getenv("EXAMHALL_AWS_CLOUD")
	if path == "" {
		return fmt.Errorf("EXAMHALL_AWS_CLOUD names the file that stands for the cloud")
	}
	return tf5server.Serve("hashicorp/aws", func() tfprotov5.ProviderServer {
		return &server{schemas: schemas, cloud: &cloud{path: path}}
	})
}
