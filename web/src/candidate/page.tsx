// page.tsx - the frame of every page but the question screen, and what such pages share.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { sentence } from "../core/api";
import { sign_out } from "./coming_in";
import { Help } from "./help";
import { Dialog } from "./parts";
import type { Sitting } from "./sitting";

export function Page(props: { title: string; sub?: string; children: ComponentChildren; narrow?: boolean; tools?: ComponentChildren }) {
  return (
    <div class={props.narrow ? "page page-narrow" : "page"}>
      <header class="page-head">
        <div>
          <h1 tabIndex={-1} data-heading>
            {props.title}
          </h1>
          {props.sub && <p>{props.sub}</p>}
        </div>
        {props.tools && <div class="page-tools">{props.tools}</div>}
      </header>
      <main>{props.children}</main>
    </div>
  );
}

export function Waiting({ title, text }: { title: string; text: string }) {
  return (
    <Page title={title} narrow>
      <p class="wait" role="status">
        <span class="wait-dot" aria-hidden="true" /> {text}
      </p>
    </Page>
  );
}

export function Tools({ sitting }: { sitting: Sitting }) {
  const [help, set_help] = useState(false);
  const [leaving, set_leaving] = useState(false);
  return (
    <>
      <button type="button" class="button-quiet" onClick={() => set_help(true)}>
        Help
      </button>
      <button type="button" class="button-quiet" onClick={() => set_leaving(true)}>
        Sign out
      </button>
      {help && <Help close={() => set_help(false)} />}
      {leaving && <SignOut sitting={sitting} close={() => set_leaving(false)} />}
    </>
  );
}

/** Says what stays behind before it happens; and that nothing happened while the hall could not be asked. */
function SignOut({ sitting, close }: { sitting: Sitting; close: () => void }) {
  const [busy, set_busy] = useState(false);
  const [fault, set_fault] = useState<string | null>(null);
  const asking = sitting.ended && sitting.rest === null;
  const leave = async () => {
    set_busy(true);
    set_fault(null);
    try {
      await sign_out(sitting);
    } catch (error) {
      set_fault(`You are still signed in. ${sentence(error)}`);
      set_busy(false);
    }
  };
  return (
    <Dialog title="Sign out?" close={close} asks>
      {asking ? <p role="status">One moment: the hall is asked whether it has every answer of this computer.</p> : <StaysBehind sitting={sitting} />}
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="actions">
        <button type="button" class="button" onClick={close}>
          Stay
        </button>
        <button type="button" class="button button-main" disabled={busy || asking} onClick={() => void leave()}>
          {busy ? "Signing out…" : "Sign out"}
        </button>
      </div>
    </Dialog>
  );
}

function StaysBehind({ sitting }: { sitting: Sitting }) {
  const lost = sitting.rest?.lost.length ?? 0;
  if (lost > 0)
    return (
      <div class="banner banner-warn">
        <strong>
          {lost === 1 ? "One answer" : `${lost} answers`} of yours did not reach the hall{question_list(sitting)}.
        </strong>{" "}
        {lost === 1 ? "It stays" : "They stay"} on this computer. Show this to an invigilator before you sign out.
      </div>
    );
  return (
    <p>
      Nothing of your paper and your answers stays on this computer. With your roll number and code you can sign in again
      {sitting.ended ? " to see your receipt and, once they are published, your results." : "."}
    </p>
  );
}

/** ": question 3, 7", for a sentence on what the hall does not have; nothing when the paper could not be read. */
export function question_list({ not_recorded }: Sitting): string {
  return not_recorded.length > 0 ? `: question ${not_recorded.join(", ")}` : "";
}

export function save_file(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
