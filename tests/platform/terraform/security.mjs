// security.mjs - what must hold for every environment, read from the plan that OpenTofu itself writes as JSON.
//
//     node security.mjs PLAN.json             checks every rule; the plan of an applied root, so that everything is known
//     node security.mjs --prove PLAN.json     breaks each rule in a copy of the plan and expects it to be found
//     --all                                   a rule that is about nothing in the plan counts as broken
//
// A rule is a row: `holds` returns what breaks it (addresses with a word), `spoil` breaks it. Add a row at the end of the
// table; a rule that cannot be broken is refused by --prove.
import fs from 'node:fs';

const list = (value) => (Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]);
const json = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** The plan as rules like to see it. */
const worldOf = (plan) => {
  const walk = (module) => [...(module.resources ?? []), ...(module.child_modules ?? []).flatMap(walk)];
  const resources = walk(plan.planned_values.root_module).filter((r) => r.mode === 'managed');
  const of = (...types) => resources.filter((r) => types.includes(r.type));
  const policies = resources.flatMap((resource) =>
    ['policy', 'assume_role_policy'].flatMap((field) => {
      const statements = list(json(resource.values[field])?.Statement);
      return statements.map((statement) => ({ resource, field, statement, where: `${resource.address} ${statement.Sid ?? ''}`.trim() }));
    }),
  );
  return { plan, resources, of, policies, environment: plan.variables?.environment?.value, outputs: plan.planned_values.outputs ?? {} };
};

const broken = (resources, fine, word = '') => resources.filter((r) => !fine(r.values)).map((r) => `${r.address} ${word}`.trim());
const allows = (world) => world.policies.filter((p) => p.statement.Effect === 'Allow');
const roleRights = (world) => allows(world).filter((p) => p.field === 'policy' && /^aws_iam_(role_)?policy$/.test(p.resource.type));
const actions = (statement) => list(statement.Action);
const isWorld = (cidr) => cidr === '0.0.0.0/0' || cidr === '::/0';
const values = (world, type) => world.of(type)[0].values;
const rewrite = (resource, field, change) => {
  const policy = json(resource.values[field]);
  change(policy.Statement);
  resource.values[field] = JSON.stringify(policy);
};
const firstRolePolicy = (world) => world.of('aws_iam_role_policy')[0];

const ENCRYPTED = {
  aws_cloudwatch_log_group: (v) => v.kms_key_id,
  aws_docdb_cluster: (v) => v.storage_encrypted && v.kms_key_id,
  aws_ecr_repository: (v) => v.encryption_configuration[0]?.encryption_type === 'KMS',
  aws_eks_cluster: (v) => v.encryption_config[0]?.resources.includes('secrets'),
  aws_launch_template: (v) => v.block_device_mappings.every((d) => String(d.ebs[0]?.encrypted) === 'true'),
  aws_msk_cluster: (v) => v.encryption_info[0]?.encryption_at_rest_kms_key_arn,
  aws_prometheus_workspace: (v) => v.kms_key_arn,
  aws_secretsmanager_secret: (v) => v.kms_key_id,
  aws_sns_topic: (v) => v.kms_master_key_id,
};
const TAGS = ['Project', 'Environment', 'Owner', 'CostCenter', 'ManagedBy', 'SpecHash', 'DataClass'];

const RULES = [
  {
    name: 'everything stored is encrypted, by keys of our own',
    holds: (w) => Object.entries(ENCRYPTED).flatMap(([type, fine]) => broken(w.of(type), fine)),
    spoil: (w) => (values(w, 'aws_cloudwatch_log_group').kms_key_id = ''),
  },
  {
    name: 'every bucket encrypts, keeps versions, and takes nothing public',
    holds: (w) =>
      w.of('aws_s3_bucket').flatMap((bucket) => {
        const mine = (type) => w.of(type).find((r) => r.values.bucket === bucket.values.id)?.values;
        const block = mine('aws_s3_bucket_public_access_block') ?? {};
        const fine = {
          encryption: mine('aws_s3_bucket_server_side_encryption_configuration')?.rule.length > 0,
          versions: mine('aws_s3_bucket_versioning')?.versioning_configuration[0].status === 'Enabled',
          'public access': ['block_public_acls', 'block_public_policy', 'ignore_public_acls', 'restrict_public_buckets'].every((k) => block[k]),
          owner: mine('aws_s3_bucket_ownership_controls')?.rule[0].object_ownership === 'BucketOwnerEnforced',
        };
        return Object.entries(fine).flatMap(([what, ok]) => (ok ? [] : [`${bucket.address}: ${what}`]));
      }),
    spoil: (w) => (values(w, 'aws_s3_bucket_public_access_block').block_public_policy = false),
  },
  {
    name: 'every bucket refuses requests without TLS',
    holds: (w) =>
      broken(w.of('aws_s3_bucket'), (bucket) =>
        w.policies.some(
          ({ resource, statement: s }) =>
            resource.type === 'aws_s3_bucket_policy' &&
            resource.values.bucket === bucket.id &&
            s.Effect === 'Deny' &&
            s.Condition?.Bool?.['aws:SecureTransport'] === 'false' &&
            [bucket.arn, `${bucket.arn}/*`].every((arn) => list(s.Resource).includes(arn)),
        ),
      ),
    spoil: (w) => rewrite(w.of('aws_s3_bucket_policy')[0], 'policy', (s) => (s[0].Effect = 'Allow')),
  },
  {
    name: 'brokers speak TLS only, to clients and among themselves',
    holds: (w) =>
      broken(w.of('aws_msk_cluster'), (v) => {
        const transit = v.encryption_info[0]?.encryption_in_transit[0];
        return transit?.client_broker === 'TLS' && transit.in_cluster;
      }),
    spoil: (w) => (values(w, 'aws_msk_cluster').encryption_info[0].encryption_in_transit[0].client_broker = 'TLS_PLAINTEXT'),
  },
  {
    name: 'brokers know who asks, and reach no one from outside',
    holds: (w) =>
      broken(
        w.of('aws_msk_cluster'),
        (v) =>
          v.client_authentication[0]?.unauthenticated === false &&
          v.broker_node_group_info[0].connectivity_info[0]?.public_access[0]?.type === 'DISABLED',
      ),
    spoil: (w) => (values(w, 'aws_msk_cluster').client_authentication[0].unauthenticated = true),
  },
  {
    name: 'an answer is acknowledged by two brokers of three, under KRaft, and no stale leader is elected',
    holds: (w) => [
      ...broken(w.of('aws_msk_configuration'), (v) =>
        ['default.replication.factor=3', 'min.insync.replicas=2', 'auto.create.topics.enable=false', 'unclean.leader.election.enable=false'].every(
          (line) => v.server_properties.split('\n').includes(line),
        ),
      ),
      ...broken(w.of('aws_msk_cluster'), (v) => v.kafka_version.endsWith('.kraft') && v.number_of_broker_nodes % 3 === 0),
    ],
    spoil: (w) => {
      const v = values(w, 'aws_msk_configuration');
      v.server_properties = v.server_properties.replace('min.insync.replicas=2', 'min.insync.replicas=1');
    },
  },
  {
    name: 'the document store takes TLS only, and audits',
    holds: (w) => [
      ...broken(w.of('aws_docdb_cluster_parameter_group'), (v) =>
        [['tls', 'enabled'], ['audit_logs', 'all']].every(([name, value]) => v.parameter.some((p) => p.name === name && p.value === value)),
      ),
      ...broken(w.of('aws_docdb_cluster'), (v) => v.enabled_cloudwatch_logs_exports.includes('audit')),
    ],
    spoil: (w) => (values(w, 'aws_docdb_cluster_parameter_group').parameter.find((p) => p.name === 'tls').value = 'disabled'),
  },
  {
    name: 'the document store keeps backups a week or more, and has who takes over',
    holds: (w) => [
      ...broken(w.of('aws_docdb_cluster'), (v) => v.backup_retention_period >= 7),
      ...(w.of('aws_docdb_cluster').length && w.of('aws_docdb_cluster_instance').length < 2 ? ['one instance'] : []),
    ],
    spoil: (w) => (values(w, 'aws_docdb_cluster').backup_retention_period = 1),
  },
  {
    name: 'nothing is let in from the Internet but TLS at the load balancer',
    holds: (w) => [
      ...w
        .of('aws_vpc_security_group_ingress_rule')
        .filter(({ values: v }) => isWorld(v.cidr_ipv4) || isWorld(v.cidr_ipv6))
        .filter(({ address, values: v }) => !(address.startsWith('module.edge.') && v.from_port === 443 && v.to_port === 443 && v.ip_protocol === 'tcp'))
        .map((r) => r.address),
      ...broken(w.of('aws_security_group'), (v) => list(v.ingress).every((rule) => !list(rule.cidr_blocks).some(isWorld))),
      ...w.of('aws_security_group_rule').map((r) => `${r.address}: use aws_vpc_security_group_ingress_rule`),
      ...broken(w.of('aws_lb_listener'), (v) => v.port === 443),
    ],
    spoil: (w) => {
      const rule = w.of('aws_vpc_security_group_ingress_rule').find((r) => r.address.startsWith('module.documents.'));
      rule.values.cidr_ipv4 = '0.0.0.0/0';
    },
  },
  {
    name: 'brokers and documents are reached from security groups, not from addresses',
    holds: (w) =>
      broken(
        w.of('aws_vpc_security_group_ingress_rule').filter((r) => /^module\.(events|documents)\./.test(r.address)),
        (v) => v.referenced_security_group_id && !v.cidr_ipv4 && !v.cidr_ipv6 && !v.prefix_list_id,
      ),
    spoil: (w) => {
      const rule = w.of('aws_vpc_security_group_ingress_rule').find((r) => r.address.startsWith('module.events.'));
      rule.values.cidr_ipv4 = '10.0.0.0/8';
    },
  },
  {
    name: 'brokers, documents and control plane stand where no route leads out, in three zones',
    holds: (w) => {
      const subnets = Object.fromEntries(w.of('aws_subnet').map((s) => [s.values.id, s.values]));
      const open = new Set(w.of('aws_route').filter((r) => isWorld(r.values.destination_cidr_block)).map((r) => r.values.route_table_id));
      const tableOf = Object.fromEntries(w.of('aws_route_table_association').map((a) => [a.values.subnet_id, a.values.route_table_id]));
      const placed = [
        ...w.of('aws_msk_cluster').map((r) => [r.address, r.values.broker_node_group_info[0].client_subnets]),
        ...w.of('aws_docdb_subnet_group').map((r) => [r.address, r.values.subnet_ids]),
        ...w.of('aws_eks_cluster').map((r) => [r.address, r.values.vpc_config[0].subnet_ids]),
      ];
      return placed.flatMap(([address, ids]) => [
        ...ids.filter((id) => !subnets[id] || !tableOf[id] || open.has(tableOf[id])).map((id) => `${address}: ${id} has a way out`),
        ...(new Set(ids.map((id) => subnets[id]?.availability_zone)).size === 3 ? [] : [`${address}: not three zones`]),
      ]);
    },
    spoil: (w) => {
      const inner = w.of('aws_route_table_association').find((r) => r.address.includes('.database['));
      w.of('aws_route')[0].values.route_table_id = inner.values.route_table_id;
    },
  },
  {
    name: 'no machine gets a public address by itself',
    holds: (w) => broken(w.of('aws_subnet'), (v) => !v.map_public_ip_on_launch),
    spoil: (w) => (values(w, 'aws_subnet').map_public_ip_on_launch = true),
  },
  {
    name: 'the API server is private, or open to named networks only',
    holds: (w) =>
      broken(w.of('aws_eks_cluster'), ({ vpc_config: [vpc] }) => vpc.endpoint_private_access && (!vpc.endpoint_public_access || !list(vpc.public_access_cidrs).some(isWorld))),
    spoil: (w) => Object.assign(values(w, 'aws_eks_cluster').vpc_config[0], { endpoint_public_access: true, public_access_cidrs: ['0.0.0.0/0'] }),
  },
  {
    name: 'people enter the cluster by access entries only, and its maker is not its master',
    holds: (w) =>
      broken(
        w.of('aws_eks_cluster'),
        ({ access_config: [access] }) => access?.authentication_mode === 'API' && access.bootstrap_cluster_creator_admin_permissions === false,
      ),
    spoil: (w) => (values(w, 'aws_eks_cluster').access_config[0].authentication_mode = 'API_AND_CONFIG_MAP'),
  },
  {
    name: 'the control plane logs everything, the VPC its flows, and logs end some day',
    holds: (w) => [
      ...broken(w.of('aws_eks_cluster'), (v) => v.enabled_cluster_log_types.length === 5),
      ...broken(w.of('aws_vpc'), (vpc) => w.of('aws_flow_log').some((f) => f.values.vpc_id === vpc.id && f.values.traffic_type === 'ALL')),
      ...broken(w.of('aws_cloudwatch_log_group'), (v) => v.retention_in_days > 0),
    ],
    spoil: (w) => (values(w, 'aws_flow_log').traffic_type = 'REJECT'),
  },
  {
    name: 'nodes answer metadata requests with tokens only, one hop away',
    holds: (w) => broken(w.of('aws_launch_template'), ({ metadata_options: [m] }) => m?.http_tokens === 'required' && m.http_put_response_hop_limit === 1),
    spoil: (w) => (values(w, 'aws_launch_template').metadata_options[0].http_tokens = 'optional'),
  },
  {
    name: 'an image tag never moves, and every image is scanned',
    holds: (w) => broken(w.of('aws_ecr_repository'), (v) => v.image_tag_mutability === 'IMMUTABLE' && v.image_scanning_configuration[0]?.scan_on_push),
    spoil: (w) => (values(w, 'aws_ecr_repository').image_tag_mutability = 'MUTABLE'),
  },
  {
    name: 'keys rotate',
    holds: (w) => broken(w.of('aws_kms_key'), (v) => v.enable_key_rotation),
    spoil: (w) => (values(w, 'aws_kms_key').enable_key_rotation = false),
  },
  {
    name: 'archived answers are locked, and no role may delete or unlock them',
    holds: (w) => [
      ...broken(
        w.of('aws_s3_bucket').filter((r) => r.address.includes('"archive"')),
        (bucket) => bucket.object_lock_enabled && w.of('aws_s3_bucket_object_lock_configuration').some((r) => r.values.bucket === bucket.id && r.values.rule[0].default_retention[0].days >= 1),
      ),
      ...roleRights(w)
        .filter(({ resource }) => resource.address.startsWith('module.workloads.'))
        .filter(({ statement }) => actions(statement).some((a) => /^(\*|s3:\*|s3:Delete|s3:Bypass|s3:PutObjectRetention)/.test(a)))
        .map((p) => p.where),
    ],
    spoil: (w) => (w.of('aws_s3_bucket').find((r) => r.address.includes('"archive"')).values.object_lock_enabled = false),
  },
  {
    name: 'no right is for every action',
    holds: (w) => allows(w).filter(({ statement: s }) => actions(s).some((a) => a === '*' || a === '*:*') || s.NotAction).map((p) => p.where),
    spoil: (w) => rewrite(firstRolePolicy(w), 'policy', (s) => (s[0].Action = '*')),
  },
  {
    name: 'a right to change something names what, or has a condition',
    // Reading calls that know no resource are let through; in a key's own policy "*" is the key.
    holds: (w) =>
      allows(w)
        .filter(({ resource, field, statement: s }) => field === 'policy' && !['aws_kms_key', 'aws_vpc_endpoint'].includes(resource.type) && list(s.Resource).includes('*') && !s.Condition)
        .filter(({ statement }) => actions(statement).some((a) => !/:(Describe|Get|List)[A-Za-z]*$/.test(a)))
        .map((p) => p.where),
    spoil: (w) =>
      rewrite(firstRolePolicy(w), 'policy', (s) => {
        Object.assign(s[0], { Action: ['s3:PutObject'], Resource: '*' });
        delete s[0].Condition;
      }),
  },
  {
    name: 'who is anyone is anyone under a condition',
    holds: (w) =>
      allows(w)
        .filter(({ resource, statement: s }) => resource.type !== 'aws_vpc_endpoint' && (s.Principal === '*' || list(s.Principal?.AWS).includes('*')) && !s.Condition)
        .map((p) => p.where),
    spoil: (w) => rewrite(w.of('aws_kms_key')[0], 'policy', (s) => Object.assign(s[0], { Principal: { AWS: '*' } })),
  },
  {
    name: 'a role is taken by pods of this cluster, by named subjects, or by a service; never by an account',
    holds: (w) =>
      allows(w)
        .filter(({ field, statement: s }) => {
          if (field !== 'assume_role_policy') return false;
          const services = list(s.Principal?.Service);
          if (s.Principal?.AWS) return true;
          if (services.includes('pods.eks.amazonaws.com')) return !s.Condition?.ArnEquals?.['aws:SourceArn'];
          if (s.Principal?.Federated) {
            const equal = Object.entries(s.Condition?.StringEquals ?? {});
            const said = (suffix) => equal.some(([key, value]) => key.endsWith(suffix) && !list(value).some((v) => v.includes('*')));
            return !said(':aud') || !said(':sub');
          }
          return services.length === 0;
        })
        .map((p) => p.where),
    spoil: (w) => rewrite(w.of('aws_iam_role')[0], 'assume_role_policy', (s) => (s[0].Principal = { AWS: 'arn:aws:iam::999999999999:root' })),
  },
  {
    name: 'every role that the pipeline makes is inside the boundary',
    holds: (w) => (w.environment ? broken(w.of('aws_iam_role'), (v) => /:policy\/.*-boundary$/.test(v.permissions_boundary ?? '')) : []),
    spoil: (w) => (values(w, 'aws_iam_role').permissions_boundary = null),
    needs: (w) => w.environment,
  },
  {
    name: 'no secret is in the plan or the state, nor in an output',
    holds: (w) => [
      ...broken(w.of('aws_secretsmanager_secret_version'), (v) => !v.secret_string && !v.secret_binary && v.secret_string_wo_version),
      ...broken(w.of('aws_docdb_cluster'), (v) => v.manage_master_user_password && !v.master_password),
      ...Object.entries(w.outputs).filter(([name, o]) => !o.sensitive && /password|private_key|token/i.test(JSON.stringify([name, o.value]))).map(([name]) => `output.${name}`),
    ],
    spoil: (w) => (values(w, 'aws_secretsmanager_secret_version').secret_string = 'x'),
  },
  {
    name: 'secrets refuse a public policy, and a deleted one can be brought back',
    holds: (w) => [
      ...broken(w.of('aws_secretsmanager_secret'), (secret) => secret.recovery_window_in_days >= 7 && w.of('aws_secretsmanager_secret_policy').some((p) => p.values.secret_arn === secret.arn && p.values.block_public_policy)),
    ],
    spoil: (w) => (values(w, 'aws_secretsmanager_secret_policy').block_public_policy = false),
  },
  {
    name: 'everything that can carry tags says whose it is and of which spec',
    holds: (w) => (w.environment ? broken(w.resources.filter((r) => 'tags_all' in r.values), (v) => TAGS.every((tag) => v.tags_all?.[tag])) : []),
    spoil: (w) => delete values(w, 'aws_vpc').tags_all.SpecHash,
    needs: (w) => w.environment,
  },
  {
    name: 'production cannot be destroyed by mistake',
    holds: (w) =>
      w.environment !== 'prod'
        ? []
        : [
            ...broken(w.of('aws_eks_cluster', 'aws_docdb_cluster'), (v) => v.deletion_protection),
            ...broken(w.of('aws_lb'), (v) => v.enable_deletion_protection),
            ...broken(w.of('aws_docdb_cluster'), (v) => !v.skip_final_snapshot && v.final_snapshot_identifier),
            ...broken(w.of('aws_s3_bucket'), (v) => !v.force_destroy),
            ...broken(w.of('aws_ecr_repository'), (v) => !v.force_delete),
            ...broken(w.of('aws_kms_key'), (v) => v.deletion_window_in_days >= 30),
            ...broken(w.of('aws_s3_bucket_object_lock_configuration'), (v) => v.rule[0].default_retention[0].mode === 'COMPLIANCE'),
          ],
    spoil: (w) => (values(w, 'aws_docdb_cluster').deletion_protection = false),
    needs: (w) => w.environment === 'prod',
  },
];

/** A rule is about this plan if the things it is about are in it: bootstrap has no brokers. */
const applies = (rule, plan) => {
  const world = worldOf(structuredClone(plan));
  if (rule.needs && !rule.needs(world)) return false;
  try {
    rule.spoil(world);
    return true;
  } catch {
    return false;
  }
};

const check = (plan) =>
  RULES.filter((rule) => applies(rule, plan)).map((rule) => ({ rule: rule.name, found: rule.holds(worldOf(plan)) }));

const prove = (plan) =>
  RULES.filter((rule) => applies(rule, plan)).map((rule) => {
    const spoiled = structuredClone(plan);
    rule.spoil(worldOf(spoiled));
    return { rule: rule.name, found: rule.holds(worldOf(spoiled)).length > 0 ? [] : ['broken, and not found'] };
  });

const args = process.argv.slice(2);
const file = args.find((a) => !a.startsWith('--'));
if (!file) {
  console.error('usage: node security.mjs [--prove] PLAN.json');
  process.exit(2);
}
const plan = JSON.parse(fs.readFileSync(file, 'utf8'));
const results = args.includes('--prove') ? prove(plan) : check(plan);
if (args.includes('--all'))
  for (const rule of RULES.filter((r) => !applies(r, plan))) results.push({ rule: rule.name, found: ['is about nothing in this plan'] });
for (const { rule, found } of results) {
  if (found.length > 0) console.log(`broken: ${rule}`);
  for (const what of found) console.log(`  ${what}`);
}
const bad = results.filter(({ found }) => found.length > 0).length;
console.log(`${results.length} rules, ${bad} broken`);
process.exit(bad > 0 || results.length === 0 ? 1 : 0);
