// dsse.mjs - checks a DSSE envelope with Node's own cryptography: node dsse.mjs ENVELOPE MINISIGN_PUBLIC_KEY
// Prints the payload when the signature is true.

import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const [envelope_path, key_path] = process.argv.slice(2);
const { payload, payloadType, signatures } = JSON.parse(readFileSync(envelope_path, "utf8"));
const raw = Buffer.from(readFileSync(key_path, "utf8").split("\n")[1], "base64").subarray(10); // "Ed", id[8], key[32]
const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
const body = Buffer.from(payload, "base64");
const signed = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `), body]);
if (!signatures.some(({ sig }) => verify(null, signed, key, Buffer.from(sig, "base64")))) {
  console.error("no signature of this key over this payload");
  process.exit(1);
}
console.log(body.toString());
