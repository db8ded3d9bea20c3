// support.mjs - programs to deploy, and commands that run while others do.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { EXAMHALL, expect, json, write } from "../cli/support.mjs";

export const FAULTY = resolve(process.env.FAULTY ?? "build/faulty");

/** Beside everything else that goes on here: { status, out, err }. */
export function run(...args) {
  const child = spawn(EXAMHALL, args, { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (text) => (out += text));
  child.stderr.on("data", (text) => (err += text));
  return new Promise((done) => child.once("exit", (status, signal) => done({ status: status ?? signal, out, err })));
}

/** A new hall at dir/hall, its sample exam open, and beside the sample's candidates `count` of ours, D00000 and on. */
export function hall_with(count, dir) {
  const data = join(dir, "hall");
  json("init", data);
  const rows = Array.from({ length: count }, (_, i) => `D${String(i).padStart(5, "0")},Candidate ${i},2008-01-01,C1,sample`);
  const roster = write(dir, "roster.csv", ["roll,name,birth,centre,exam", ...rows, ""].join("\n"));
  expect(0, "roster", "import", roster, "--data", data);
  expect(0, "exam", "open", "sample", "--data", data);
  return data;
}

/** A file with the codes of ours from number `from` to before `to`. */
export function codes_of(data, from, to, dir) {
  const [head, ...all] = expect(0, "roster", "export", "--codes", "--data", data).out.trim().split("\n");
  const mine = all.filter((line) => line.startsWith("D")).slice(from, to);
  return write(dir, `codes-${from}.csv`, [head, ...mine, ""].join("\n"));
}

/** At `path`: the same program but for one text in it, which becomes another of its length. */
export function program(path, text, instead) {
  const bytes = readFileSync(EXAMHALL);
  assert.equal(text.length, instead.length);
  let at = bytes.indexOf(text);
  assert.ok(at >= 0, text);
  for (; at >= 0; at = bytes.indexOf(text, at + 1)) bytes.write(instead, at);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
}
