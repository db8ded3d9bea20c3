// support.mjs - programs to deploy, and commands that run while others do.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { EXAMHALL } from "../cli/support.mjs";

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
