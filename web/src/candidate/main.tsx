// main.tsx - the candidate's page. The sitting (sitting.ts) says what to show; this draws it.

import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import "../style/base.css";
import "../style/candidate.css";
import "../style/exam.css";
import { Instructions, SignIn } from "./before";
import { Closed, Elsewhere, OtherTab, ReceiptPage, Summary, TimeOver } from "./ending";
import { boot } from "./coming_in";
import { Exam } from "./exam";
import { beat } from "./following";
import { Waiting } from "./page";
import { Announcer, use_sitting } from "./parts";
import { ResultPage } from "./result";
import { settings_apply, settings_read } from "./settings";
import { Sitting } from "./sitting";

function App({ sitting }: { sitting: Sitting }) {
  use_sitting(sitting);
  const title = sitting.attempt?.title;
  useEffect(() => {
    if (sitting.view !== "other-tab") document.title = title ?? "Examination hall";
  }, [title, sitting.view]);
  const page = sitting.view === "submitting" ? "summary" : sitting.view;
  const before = useRef(page);
  useEffect(() => {
    // A new page begins at its heading, for the eye and for the ear.
    if (before.current === page) return;
    before.current = page;
    window.scrollTo(0, 0);
    document.querySelector<HTMLElement>("[data-heading]")?.focus({ preventScroll: true });
  }, [page]);
  return (
    <>
      <Announcer />
      <Current sitting={sitting} />
    </>
  );
}

function Current({ sitting }: { sitting: Sitting }) {
  const connecting = "No answer from the hall yet. This page goes on asking; your answers are kept on this device.";
  switch (sitting.view) {
    case "boot":
      return <Waiting title="Examination hall" text={sitting.connecting ? connecting : "One moment…"} />;
    case "loading":
      return <Waiting title={sitting.attempt!.title} text={sitting.connecting ? connecting : "Fetching your paper…"} />;
    case "sign-in":
      return <SignIn sitting={sitting} />;
    case "instructions":
      return <Instructions sitting={sitting} />;
    case "exam":
      return <Exam sitting={sitting} />;
    case "summary":
    case "submitting":
      return <Summary sitting={sitting} />;
    case "time-over":
      return <TimeOver sitting={sitting} />;
    case "receipt":
      return <ReceiptPage sitting={sitting} />;
    case "result":
      return <ResultPage sitting={sitting} />;
    case "closed":
      return <Closed sitting={sitting} />;
    case "elsewhere":
      return <Elsewhere sitting={sitting} />;
    case "other-tab":
      return <OtherTab sitting={sitting} />;
  }
}

settings_apply(settings_read());
const sitting = new Sitting(beat);
render(<App sitting={sitting} />, document.getElementById("app")!);
void boot(sitting);
