// page.tsx - the frame of every page but the question screen, and what such pages share.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Help } from "./help";
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
  return (
    <>
      <button type="button" class="button-quiet" onClick={() => set_help(true)}>
        Help
      </button>
      <button type="button" class="button-quiet" onClick={() => void sitting.sign_out()}>
        Sign out
      </button>
      {help && <Help close={() => set_help(false)} />}
    </>
  );
}

export function save_file(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
