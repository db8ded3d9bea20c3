// front.mjs - what stands before or beside a registry: a token server, a proxy that fails, one that refuses.
//
//   node front.mjs PORT DIR token                gives tokens to exam:secret, as a registry's `realm`
//   node front.mjs PORT DIR flaky REGISTRY_PORT  passes on every third request of a method, 503 to the others
//   node front.mjs PORT DIR refuse STATUS CODE   answers every upload with STATUS
//
// DIR holds server.pem, server.key (TLS) and ca.crt.

import { createSign, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:https";
import { join } from "node:path";

const [port, dir, role, ...rest] = process.argv.slice(2);
const read = (name) => readFileSync(join(dir, name));
const text = (status, body, headers = {}) => ({ status, headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A JWT as distribution's "token authentication" wants it, for whatever the scope asks. */
function token(req) {
  if (req.headers.authorization !== `Basic ${btoa("exam:secret")}`) return text(401, { details: "no" });
  const [type, name, actions] = new URL(req.url, "https://localhost").searchParams.get("scope").split(":");
  const now = Math.floor(Date.now() / 1000);
  const der = read("server.pem").toString().split("-----")[2].replaceAll("\n", "");
  const head = part({ typ: "JWT", alg: "RS256", x5c: [der] });
  const claims = part({ iss: "exam", sub: "exam", aud: "registry", exp: now + 60, nbf: now - 60, iat: now, jti: randomUUID(),
    access: [{ type, name, actions: actions.split(",") }] });
  const signature = createSign("RSA-SHA256").update(`${head}.${claims}`).sign(read("server.key"), "base64url");
  return text(200, { token: `${head}.${claims}.${signature}` });
}

const requests = {};
function flaky(req, res) {
  requests[req.method] = (requests[req.method] ?? 0) + 1;
  if (requests[req.method] % 3) return text(503, { errors: [{ code: "UNAVAILABLE", message: "starting" }] }, { "Retry-After": "0" });
  const { method, url: path, headers } = req;
  const onward = request({ host: "127.0.0.1", port: rest[0], method, path, headers, rejectUnauthorized: false }, (reply) => {
    res.writeHead(reply.statusCode, reply.headers);
    reply.pipe(res);
  });
  req.pipe(onward);
  return null;
}

function refuse(req) {
  if (req.method === "HEAD") return text(404, {});
  return text(Number(rest[0]), { errors: [{ code: rest[1], message: "so it says" }] });
}

const answer = { token, flaky, refuse }[role];
createServer({ key: read("server.key"), cert: read("server.pem") }, (req, res) => {
  const reply = answer(req, res);
  if (!reply) return;
  req.resume().on("end", () => res.writeHead(reply.status, reply.headers).end(reply.body));
}).listen(Number(port), "127.0.0.1");
