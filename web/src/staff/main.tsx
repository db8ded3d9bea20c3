// main.tsx - the officer's page: figures, exams, candidates. The desk (desk.ts) knows; this draws.

import { render } from "preact";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";
import "../style/base.css";
import "../style/staff.css";
import { sentence } from "../core/api";
import { local_time } from "../core/clock";
import { settings_apply, settings_read } from "../candidate/settings";
import { Candidates } from "./candidates";
import { Chart, figure } from "./chart";
import { Desk } from "./desk";
import { Exams } from "./exams";

function App({ desk }: { desk: Desk }) {
  const [, again] = useReducer<number, void>((n) => n + 1, 0);
  useLayoutEffect(() => desk.subscribe(() => again()), [desk]);
  if (desk.signed_in === "unknown")
    return (
      <main class="page page-narrow">
        <p role="status" class="page-head">
          {desk.lost ?? "One moment…"}
        </p>
      </main>
    );
  return desk.signed_in === "no" ? <SignIn desk={desk} /> : <Board desk={desk} />;
}

function SignIn({ desk }: { desk: Desk }) {
  const [name, set_name] = useState("");
  const [password, set_password] = useState("");
  const [totp, set_totp] = useState("");
  const [fault, set_fault] = useState<string | null>(null);
  const [busy, set_busy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    set_busy(true);
    set_fault(null);
    try {
      await desk.sign_in(name.trim(), password, totp.replace(/\s/g, ""));
    } catch (error) {
      set_fault(sentence(error));
      set_busy(false);
    }
  };
  return (
    <div class="page page-narrow">
      <header class="page-head">
        <div>
          <h1>Examination hall</h1>
          <p>Officer sign-in</p>
        </div>
      </header>
      <main>
        {desk.notice && <p class="banner banner-info">{desk.notice}</p>}
        <form class="card form" onSubmit={(event) => void submit(event)} noValidate>
          <label class="field">
            <span>Name</span>
            <input name="name" autocomplete="username" autocapitalize="off" spellcheck={false} value={name} onInput={(e) => set_name(e.currentTarget.value)} />
          </label>
          <label class="field">
            <span>Password</span>
            <input name="password" type="password" autocomplete="current-password" value={password} onInput={(e) => set_password(e.currentTarget.value)} />
          </label>
          <label class="field">
            <span>Six digits of your authenticator</span>
            <input name="totp" inputMode="numeric" autocomplete="one-time-code" class="code-input" value={totp} onInput={(e) => set_totp(e.currentTarget.value)} />
          </label>
          {fault && (
            <p class="fault" role="alert">
              {fault}
            </p>
          )}
          <button class="button button-main button-wide" disabled={busy}>
            {busy ? "Signing in…" : "Sign in"}
          </button>
        </form>
      </main>
    </div>
  );
}

function Board({ desk }: { desk: Desk }) {
  const overview = desk.overview;
  const [fault, set_fault] = useState<string | null>(null);
  const sign_out = () => {
    set_fault(null);
    void desk.sign_out().catch((error: unknown) => set_fault(`You are still signed in. ${sentence(error)}`));
  };
  return (
    <div class="page board">
      <header class="page-head">
        <div>
          <h1>Hall desk</h1>
          <p>
            {desk.officer && `${desk.officer} · `}
            {overview ? `as of ${local_time(overview.now, true)}` : "waiting for figures"}
          </p>
        </div>
        <div class="page-tools">
          <button type="button" class="button-quiet" onClick={sign_out}>
            Sign out
          </button>
        </div>
      </header>
      <main>
        {fault && (
          <p class="banner banner-warn" role="alert">
            {fault}
          </p>
        )}
        {desk.lost && (
          <p class="banner banner-warn" role="alert">
            {desk.lost} The figures below are {Math.round((performance.now() - desk.overview_at) / 1000)} s old.
          </p>
        )}
        {overview && <Tiles desk={desk} />}
        <section class="card charts" aria-label="Last ten minutes">
          <Chart kind="saves" title="Saves" unit="a second" samples={desk.history} value={(s) => s.saves_per_s} />
          <Chart kind="latency" title="Latency of the last minute, p99" unit="ms" samples={desk.history} value={(s) => s.p99} />
        </section>
        <Exams desk={desk} />
        <Candidates desk={desk} />
      </main>
    </div>
  );
}

function Tiles({ desk }: { desk: Desk }) {
  const o = desk.overview!;
  const share = (n: number) => (o.candidates ? `${Math.round((100 * n) / o.candidates)} %` : "");
  const tiles: [string, string, string][] = [
    ["Candidates", figure(o.candidates), `${figure(o.connections)} connections`],
    ["Signed in", figure(o.signed_in), share(o.signed_in)],
    ["Started", figure(o.started), share(o.started)],
    ["Submitted", figure(o.submitted), share(o.submitted)],
    ["Saves a second", figure(o.saves_per_s, 1), `${figure(o.saves)} in all`],
    ["Latency p99", `${figure(o.latency_ms.p99 || null, 1)} ms`, `p50 ${figure(o.latency_ms.p50 || null, 1)} ms, last minute`],
  ];
  return (
    <dl class="tiles">
      {tiles.map(([name, value, more]) => (
        <div key={name} class="tile" data-tile={name}>
          <dt>{name}</dt>
          <dd>
            <b>{value}</b>
            <span>{more}</span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

settings_apply(settings_read());
const desk = new Desk();
render(<App desk={desk} />, document.getElementById("app")!);
void desk.run();
