// schema.mjs - the AWS provider's schema, compact: only the resources and data sources that a Terraform tree names.
//
//     node schema.mjs PACKAGE-FOLDER TERRAFORM-FOLDER > schema.json
//
// The npm package @cdktf/provider-aws was generated from the schema of hashicorp/aws 6.25.0. Each of its files carries its
// TypeScript source in the source map, and there each argument has a comment with the three flags that Terraform needs
// ("id - computed: true, optional: true, required: false"), its type in the accessor below, and the nesting of blocks in
// the HCL writer. What the package does not keep, and we add: which arguments are sensitive or write-only (by name).
// Shape of the output: {provider, resources: {NAME: block}, data: {NAME: block}}, where
// block = {attributes: {NAME: {type, computed, optional, required, sensitive, write_only}}, blocks: {NAME: {nesting, min, max, block}}}.
import fs from 'node:fs';
import path from 'node:path';

const SENSITIVE = /^(secret_string|secret_binary|master_password|random_password|secret_key|token|password)(_wo)?$/;
const WRITE_ONLY = /^(?!has_).*_wo$/;
const GETTERS = {
  getStringAttribute: 'string',
  getNumberAttribute: 'number',
  getBooleanAttribute: 'bool',
  getListAttribute: ['list', 'string'],
  getNumberListAttribute: ['list', 'number'],
  getStringMapAttribute: ['map', 'string'],
};
const DECLARED = {
  string: 'string',
  number: 'number',
  'boolean | cdktf.IResolvable': 'bool',
  'string[]': ['list', 'string'],
  '{ [key: string]: string }': ['map', 'string'],
};

const source = (file) => {
  const map = fs.readFileSync(file, 'utf8').match(/sourceMappingURL=data:application\/json;base64,(\S+)/);
  const text = map && JSON.parse(Buffer.from(map[1], 'base64')).sourcesContent?.[0];
  if (!text) throw new Error(`${file}: no source in its source map; is this @cdktf/provider-aws 21.22.1?`);
  return text;
};

/** All that one source file says: its classes and interfaces by name, and how each kind of block nests. */
const index = (text) => {
  const parts = (pattern) =>
    Object.fromEntries([...text.matchAll(pattern)].map((m) => [m[1], text.slice(m.index, text.indexOf('\n}', m.index))]));
  return {
    classes: parts(/^export class (\w+) /gm),
    interfaces: parts(/^export interface (\w+) /gm),
    nesting: Object.fromEntries(
      [...text.matchAll(/value: [^\n]*?(\w+)ToHclTerraform\b[^\n]*,\n\s*isBlock: true,\n\s*type: "(\w+)"/g)].map((m) => [m[1], m[2]]),
    ),
  };
};

const lower = (name) => name[0].toLowerCase() + name.slice(1);
const attribute = (name, type, flags) => ({
  type,
  ...flags,
  ...(SENSITIVE.test(name) && { sensitive: true }),
  ...(WRITE_ONLY.test(name) && { write_only: true }),
});
const typeOf = (block) => [
  'object',
  Object.fromEntries([
    ...Object.entries(block.attributes).map(([name, a]) => [name, a.type]),
    ...Object.entries(block.blocks).map(([name, b]) => [name, [b.nesting, typeOf(b.block)]]),
  ]),
];

/** The schema of a class: `configName` is the interface whose comments tell blocks ("x block") from attributes. */
const block = (file, className, configName) => {
  const out = { attributes: {}, blocks: {} };
  const isBlock = new Set([...(file.interfaces[configName] ?? '').matchAll(/\* (\w+) block\n/g)].map((m) => m[1]));
  const entry = /\/\/ (\w+) - computed: (\w+), optional: (\w+), required: (\w+)\n([\s\S]*?)(?=\n {2}\/\/ \w+ - computed|$)/g;
  for (const [, name, computed, optional, required, body] of file.classes[className].matchAll(entry)) {
    const flags = { computed: computed === 'true', optional: optional === 'true', required: required === 'true' };
    const child = body.match(/= new (\w+?)(List|OutputReference|Map)\(this, "\w+"(?:, (true|false))?\)/);
    if (child) {
      const inner = block(file, `${child[1]}OutputReference`, child[1]);
      const kind = child[2] === 'Map' ? 'map' : child[3] === 'true' ? 'set' : child[3] === 'false' ? 'list' : null;
      const nesting = kind ?? file.nesting[lower(child[1])];
      if (!nesting) throw new Error(`${className}.${name}: no nesting`);
      if (isBlock.has(name))
        out.blocks[name] = {
          nesting: nesting === 'struct' ? 'single' : nesting,
          min: flags.required ? 1 : 0,
          max: kind || nesting === 'struct' ? 0 : 1,
          block: inner,
        };
      else out.attributes[name] = attribute(name, [nesting === 'struct' ? 'list' : nesting, typeOf(inner)], flags);
      continue;
    }
    const getter = body.match(/return (cdktf\.Fn\.tolist\()?this\.(get\w+)\(/);
    const type = body.includes('= new cdktf.StringMap(') ? ['map', 'string'] : GETTERS[getter?.[2]];
    if (!type) throw new Error(`${className}.${name}: no type in ${body.slice(0, 200)}`);
    out.attributes[name] = attribute(name, getter?.[1] ? ['set', type[1]] : type, flags);
  }
  return out;
};

/** The provider's own arguments have no accessors with types: its interfaces say all. Its blocks are not limited to one. */
const settings = (file, name) => {
  const out = { attributes: {}, blocks: {} };
  const member = /\/docs#(\w+) [^}]*\}\s*\*\/\s*readonly \w+(\??): ([^;]+);/g;
  for (const [, key, mark, declared] of file.interfaces[name].matchAll(member)) {
    const flags = { computed: false, optional: mark === '?', required: mark === '' };
    const inner = declared.match(/^(AwsProvider\w+)/);
    if (inner) out.blocks[key] = { nesting: 'list', min: 0, max: 0, block: settings(file, inner[1]) };
    else out.attributes[key] = attribute(key, DECLARED[declared] ?? ['map', 'string'], flags);
  }
  return out;
};

/** Every aws_... that the .tf files below a folder declare, as resources, data sources and ephemeral resources. */
const named = (folder) => {
  const names = { resource: new Set(), data: new Set(), ephemeral: new Set() };
  for (const entry of fs.readdirSync(folder, { recursive: true }))
    if (entry.endsWith('.tf') && !entry.includes('.terraform'))
      for (const m of fs.readFileSync(path.join(folder, entry), 'utf8').matchAll(/^(resource|data|ephemeral) "(aws_\w+)"/gm))
        names[m[1]].add(m[2]);
  return Object.fromEntries(Object.entries(names).map(([kind, set]) => [kind, [...set].sort()]));
};

const extract = (packageFolder, prefix, terraformName) => {
  const folder = `${prefix}${terraformName.replace(/^aws_/, '').replaceAll('_', '-')}`;
  const js = path.join(packageFolder, 'lib', folder, 'index.js');
  if (!fs.existsSync(js)) throw new Error(`${terraformName}: hashicorp/aws 6.25.0 has no such ${prefix ? 'data source' : 'resource'}`);
  const file = index(source(js));
  const [className] = Object.entries(file.classes).find(([, body]) => body.includes(`tfResourceType = "${terraformName}"`)) ?? [];
  if (!className) throw new Error(`${js}: no class of ${terraformName}`);
  return block(file, className, `${className}Config`);
};

const [packageFolder, terraformFolder] = process.argv.slice(2);
if (!terraformFolder) {
  console.error('usage: node schema.mjs PACKAGE-FOLDER TERRAFORM-FOLDER > schema.json');
  process.exit(2);
}
const names = named(terraformFolder);
const all = (list, prefix) => Object.fromEntries(list.map((name) => [name, extract(packageFolder, prefix, name)]));
process.stdout.write(
  JSON.stringify({
    provider: settings(index(source(path.join(packageFolder, 'lib/provider/index.js'))), 'AwsProviderConfig'),
    resources: all(names.resource, ''),
    data: all(names.data, 'data-aws-'),
    // The package has no ephemeral resources; the one we use takes the arguments of the data source of its name.
    ephemeral: all(names.ephemeral, 'data-aws-'),
  }),
);
