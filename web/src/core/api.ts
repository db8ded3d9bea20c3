// api.ts - one way to talk to the hall: JSON out, JSON or a problem back, and every reply sets the clock.
//
// Two things can go wrong and they are different: the hall answered that it will not (Problem), or no answer of
// the hall arrived (Unreachable). Only the second kind, and "come again later" among the first, is worth a repeat.

import { HallClock } from "./clock";

export const hall_clock = new HallClock();

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly slug: string,
    readonly title: string,
    detail: string,
    readonly retry_after_s: number | null,
  ) {
    super(detail);
  }

  /** The hall, or the gateway before it, could not take it now (408: it came too slowly); later it may. */
  get passing(): boolean {
    return this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export class Unreachable extends Error {}

export interface Reply<T> {
  body: T;
  text: string; // the bytes as they came: a receipt is signed over its own spelling
}

export interface CallOptions {
  timeout_ms?: number; // without a byte from the hall
  idempotency_key?: string;
  keepalive?: boolean; // lets the request outlive the page
}

// Longer than the hall needs to be started again after a crash: the gateway holds requests meanwhile.
const TIMEOUT_MS = 20_000;

async function fetch_text(method: string, path: string, body: unknown, options: CallOptions) {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (options.idempotency_key) headers["Idempotency-Key"] = options.idempotency_key;
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), options.timeout_ms ?? TIMEOUT_MS);
  };
  heard();
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: silence.signal,
      keepalive: options.keepalive ?? false,
    });
    return { response, text: await text_of(response, heard) };
  } catch {
    throw new Unreachable("No answer from the hall.");
  } finally {
    clearTimeout(timer);
  }
}

/** A paper with pictures may take minutes on a bad line, and would never come whole if each try had only seconds. */
async function text_of(response: Response, heard: () => void): Promise<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader?.read(); part && !part.done; part = await reader!.read()) {
    heard();
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * The hall says what is wrong by a type of its own. Who stands between (a proxy, a page that wants a sign-in to the
 * network) has none, and can neither refuse an answer nor end a session: then nothing was heard of the hall.
 */
function failure_of(response: Response, text: string): Problem | Unreachable {
  let said: { type?: string; title?: string; detail?: string } = {};
  try {
    said = (JSON.parse(text) as typeof said | null) ?? {};
  } catch {
    // no JSON: a page of somebody else
  }
  const ours = typeof said.type === "string" && said.type.startsWith("/problems/");
  if (!ours && response.status < 500 && response.status !== 429) return new Unreachable("No answer from the hall.");
  const retry_after_s = Number(response.headers.get("Retry-After") ?? NaN);
  return new Problem(
    response.status,
    (said.type ?? "").replace("/problems/", ""),
    said.title ?? response.statusText,
    said.detail ?? said.title ?? `The hall answered with status ${response.status}.`,
    Number.isFinite(retry_after_s) ? retry_after_s : null,
  );
}

export async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  options: CallOptions = {},
): Promise<Reply<T>> {
  const sent_ms = performance.now();
  const { response, text } = await fetch_text(method, path, body, options);
  if (!response.ok) throw failure_of(response, text);
  let parsed: unknown = null;
  try {
    parsed = text ? JSON.parse(text) : null;
  } catch {
    throw new Unreachable("The reply was cut short."); // treat it as not arrived: repeats are harmless
  }
  const now = (parsed as { now?: unknown } | null)?.now;
  if (typeof now === "number") hall_clock.anchor(sent_ms, performance.now(), now);
  return { body: parsed as T, text };
}

export async function get<T>(path: string): Promise<T> {
  return (await call<T>("GET", path)).body;
}

export async function post<T>(path: string, body: unknown, options: CallOptions = {}): Promise<T> {
  return (await call<T>("POST", path, body, options)).body;
}

export function sentence(error: unknown): string {
  if (error instanceof Unreachable) return "The hall cannot be reached at the moment. Check the network cable or ask an invigilator.";
  const text = error instanceof Error ? error.message : String(error);
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}
