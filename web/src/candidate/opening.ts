// opening.ts - from a running attempt to the question on screen: this window takes over, the paper comes, the journal joins
// what this device and the hall have, and the uploader begins to send. After a reload or a new sign-in it is the same way.

import { Problem, call, get } from "../core/api";
import { unpacked } from "../core/packed";
import { jittered_ms } from "../core/retry";
import type { Form, HallAnswers, Paper, SaveReply, Started } from "../core/types";
import { type Entry, Journal, sitting_of } from "../journal";
import { Uploader } from "../uploader";
import { end_of_time } from "./handing_in";
import { questions_of } from "./paper";
import { BEAT_MS, type Sitting } from "./sitting";
import { take_over } from "./tabs";

/** `told`: the reply to a start has form and paper with it, and nothing was recorded then, unless another window was quicker. */
export async function load(sitting: Sitting, told: Started | null = null): Promise<void> {
  const { generation } = sitting;
  if (sitting.view === "loading") return;
  sitting.show("loading");
  try {
    const alone = await take_over(sitting.attempt!.attempt, () => sitting.flush(), () => lost_tab(sitting, generation));
    const [form, answers] = (alone && just_started(told)) || (await asked(sitting));
    const given = told?.packed_paper ? await unpacked<Paper>(told.packed_paper) : null;
    const paper = given ?? (await sitting.persistent(() => get<Paper>(form.paper)));
    if (generation !== sitting.generation) return;
    await open(sitting, paper, form, answers);
  } catch (error) {
    if (generation === sitting.generation) sitting.signed_out(error);
  }
}

function just_started(told: Started | null): [Form, HallAnswers] | null {
  if (!told?.form || !told.epoch) return null;
  return [told.form, { epoch: told.epoch, seq: 0, place: null, answers: [], now: told.now }];
}

function asked(sitting: Sitting): Promise<[Form, HallAnswers]> {
  const { path } = sitting;
  return Promise.all([
    sitting.persistent(() => get<Form>(`${path}/form`)),
    sitting.persistent(() => get<HallAnswers>(`${path}/answers`)),
  ]);
}

function lost_tab(sitting: Sitting, generation: number): void {
  if (generation !== sitting.generation) return;
  sitting.drop();
  sitting.show("other-tab");
}

async function open(sitting: Sitting, paper: Paper, form: Form, answers: HallAnswers): Promise<void> {
  const { generation } = sitting;
  const journal = new Journal(sitting.store, sitting_of(sitting.attempt!));
  sitting.questions = questions_of(paper, form);
  sitting.sections = paper.sections.map((section) => section.name);
  sitting.journal = journal;
  await journal.open(answers);
  if (generation !== sitting.generation) return; // meanwhile another window took over, or somebody signed out
  journal.subscribe(sitting.changed);
  sitting.uploader = new Uploader(journal, (entry) => send(sitting, entry), () => uploader_changed(sitting));
  sitting.at = Math.max(0, sitting.questions.findIndex((question) => question.paper.item === journal.place));
  sitting.show("exam");
  sitting.visit();
  if (sitting.attempt!.state !== "running") end_of_time(sitting);
}

async function send(sitting: Sitting, { item, value, marked, seq }: Entry): Promise<SaveReply> {
  const { generation, path } = sitting;
  const to = `${path}/answers/${item}`;
  const { body } = await call<SaveReply>("PUT", to, { value, marked, seq }, { keepalive: document.hidden });
  if (generation === sitting.generation) saved(sitting, body); // else another window sits: this one asks no more
  return body;
}

/** A reply to a save says what a heartbeat would, so none is needed soon; but for added time, which it looks at. */
function saved(sitting: Sitting, reply: SaveReply): void {
  const ends_at = sitting.attempt?.ends_at;
  if (sitting.attempt?.state === "running") sitting.beat_in(jittered_ms(ends_at && reply.ends_at > ends_at ? 1000 : BEAT_MS));
}

function uploader_changed(sitting: Sitting): void {
  const stopped = sitting.uploader?.state.stopped;
  if (stopped === "signed-in-elsewhere" || stopped === "not-signed-in" || stopped === "not-yours") {
    sitting.signed_out(new Problem(401, stopped, "", "", null));
  } else if (stopped) {
    sitting.beat_in(jittered_ms(1000)); // what the hall says of the attempt then decides
  }
  sitting.changed();
}
