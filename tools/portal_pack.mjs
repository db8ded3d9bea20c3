// portal_pack.mjs - turns web/dist into one C file, so that the gateway serves the portal from memory.
//
//   node tools/portal_pack.mjs web/dist build/portal/portal_files.c    write the table of src/net/portal_files.h
//   node tools/portal_pack.mjs --budget 100000 web/dist                fail if a page's first load is above it
//
// Same input, same output: files are sorted, and the gzip header carries no time.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";

const TYPES = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  woff2: "font/woff2",
  txt: "text/plain; charset=utf-8",
};

/** The pages have short addresses; everything else is asked for by its name. */
const PAGES = { "/index.html": "/", "/staff.html": "/staff" };

function walk(dir, under = "") {
  return readdirSync(join(dir, under), { withFileTypes: true }).flatMap((entry) => {
    const path = `${under}/${entry.name}`;
    return entry.isDirectory() ? walk(dir, path) : [path];
  });
}

function load(dir) {
  const files = walk(dir).map((name) => {
    const bytes = readFileSync(join(dir, name));
    const zipped = gzipSync(bytes, { level: 9 });
    const extension = name.slice(name.lastIndexOf(".") + 1);
    if (!TYPES[extension]) throw new Error(`${dir}${name}: no content type is known for .${extension}; add it to TYPES`);
    return {
      path: PAGES[name] ?? name,
      type: TYPES[extension],
      etag: createHash("sha256").update(bytes).digest("hex").slice(0, 16),
      bytes,
      gzip: zipped.length < bytes.length ? zipped : null,
    };
  });
  return files.sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

function array(name, bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 32) lines.push(`    ${[...bytes.subarray(at, at + 32)].join(",")},`);
  return `static const unsigned char ${name}[] = {\n${lines.join("\n")}\n};\n`;
}

function pack(dir, out) {
  const files = load(dir);
  const arrays = files.flatMap((file, i) => [
    array(`bytes_${i}`, file.bytes),
    ...(file.gzip ? [array(`gzip_${i}`, file.gzip)] : []),
  ]);
  const rows = files.map((file, i) => {
    const gzip = file.gzip ? [`gzip_${i}`, `sizeof gzip_${i}`] : ["NULL", "0"];
    return `    { ${JSON.stringify(file.path)}, ${JSON.stringify(file.type)}, "\\"${file.etag}\\"",
      bytes_${i}, ${gzip[0]}, sizeof bytes_${i}, ${gzip[1]} },`;
  });
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(
    out,
    `/* Made by tools/portal_pack.mjs from web/dist: change those. */\n\n#include "net/portal_files.h"\n\n` +
      `${arrays.join("\n")}\nconst struct portal_file portal_files[] = {\n${rows.join("\n")}\n};\n` +
      `const size_t portal_file_count = sizeof portal_files / sizeof *portal_files;\n`,
  );
  const total = files.reduce((sum, file) => sum + (file.gzip ?? file.bytes).length, 0);
  console.log(`portal: ${files.length} files, ${total} bytes compressed`);
}

/** What a page asks for before it can be used: itself, and every script and style its HTML names. */
function budget(dir, limit_bytes) {
  const files = load(dir);
  const size = (path) => {
    const file = files.find((candidate) => candidate.path === path);
    if (!file) throw new Error(`${path} is named by a page but is not in ${dir}`);
    return (file.gzip ?? file.bytes).length;
  };
  for (const page of Object.values(PAGES)) {
    const html = files.find((file) => file.path === page).bytes.toString();
    const named = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1]);
    const bytes = [page, ...new Set(named)].reduce((sum, path) => sum + size(path), 0);
    console.log(`portal: first load of ${page} is ${bytes} bytes compressed (limit ${limit_bytes})`);
    if (bytes > limit_bytes) process.exitCode = 1;
  }
}

const args = process.argv.slice(2);
if (args[0] === "--budget" && args.length === 3) budget(args[2], Number(args[1]));
else if (args.length === 2) pack(args[0], args[1]);
else {
  console.error("usage: portal_pack.mjs DIST OUT.c | portal_pack.mjs --budget BYTES DIST");
  process.exitCode = 2;
}
