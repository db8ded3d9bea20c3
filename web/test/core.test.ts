import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { HallClock, countdown, countdown_words, threshold_passed } from "../src/core/clock";
import { code_clean, code_fault, code_grouped } from "../src/core/code";
import { unpacked } from "../src/core/packed";
import { blanks_of, marks, questions_of, shown_value, status_of, tally, toggled, value_of } from "../src/candidate/paper";
import type { Paper } from "../src/core/types";

describe("the hall's clock", () => {
  it("lies between sending and receiving, however long a reply was held back", () => {
    let t = 0;
    const clock = new HallClock(() => t);
    const hall = (at: number) => 1_000_000 + at; // the truth
    clock.anchor(0, 8000, hall(100)); // answered at once, delivered eight seconds later
    clock.anchor(9000, 9040, hall(9020)); // a quick one narrows it
    clock.anchor(10_000, 15_000, hall(10_010)); // a slow one does not spoil it
    t = 20_000;
    expect(Math.abs(clock.now() - hall(20_000))).toBeLessThan(25);
  });

  it("follows the hall after this device slept", () => {
    let t = 0;
    const clock = new HallClock(() => t);
    clock.anchor(0, 10, 1000);
    clock.anchor(1000, 1010, 3_600_000); // monotonic time stood still for an hour
    t = 1010;
    expect(Math.abs(clock.now() - 3_600_000)).toBeLessThan(20);
  });

  it("shows hours, rounds up, and never goes below zero", () => {
    expect([countdown(3_600_000), countdown(59_001), countdown(1), countdown(0), countdown(-5)]).toEqual([
      "1:00:00",
      "01:00",
      "00:01",
      "00:00",
      "00:00",
    ]);
    expect(countdown_words(3_720_000)).toBe("1 hour 2 minutes");
    expect(countdown_words(61_000)).toBe("1 minute 1 second");
  });

  it("announces each threshold once, when it is passed", () => {
    expect(threshold_passed(30 * 60_000 + 1, 30 * 60_000)).toBe(30);
    expect(threshold_passed(30 * 60_000, 30 * 60_000 - 250)).toBeNull();
    expect(threshold_passed(61_000, 59_000)).toBe(1);
    expect(threshold_passed(61_000, 0)).toBeNull();
  });
});

describe("the code of the admit card", () => {
  it("forgives case, dashes, blanks and look-alikes", () => {
    expect(code_clean(" abcd-efgh oi1l\t2345 ")).toBe("ABCDEFGH01112345");
    expect(code_grouped("ABCDEFGH01112345")).toBe("ABCD-EFGH-0111-2345");
    expect(code_fault("ABCDEFGH01112345")).toBeNull();
  });
  it("says what is wrong", () => {
    expect(code_fault("ABCDEFGH0111234")).toContain("15 are typed");
    expect(code_fault("ABCDEFGH0111234U")).toContain('"U"');
  });
});

const paper: Paper = {
  digest: "d",
  title: "t",
  sections: [{ name: "one" }, { name: "two" }],
  items: [1, 2, 3].map((item) => ({
    item,
    section: item === 2 ? 0 : 1,
    kind: "single" as const,
    blanks: 1,
    passage: null,
    text: "",
    options: ["w", "x", "y", "z"],
    image: null,
    right: "4",
    wrong: "-1",
  })),
};
const form = { exam: "e", paper: "/v1/papers/d", items: [{ item: 3, options: [2, 0, 3, 1] }, { item: 2 }, { item: 1 }, { item: 9 }] };

describe("the paper as a candidate sees it", () => {
  const questions = questions_of(paper, form);
  it("keeps sections together and the form's order inside", () => {
    expect(questions.map((question) => [question.number, question.paper.item])).toEqual([
      [1, 2],
      [2, 3],
      [3, 1],
    ]);
  });
  it("shows its own letters and answers in the paper's", () => {
    const three = questions[1]!;
    expect(three.choices.map((choice) => choice.shown + choice.letter + choice.text)).toEqual(["ACy", "BAw", "CDz", "DBx"]);
    expect(shown_value(three, "C")).toBe("A");
    expect(shown_value(three, "AC")).toBe("A, B");
  });
  it("several choices are ascending letters, or nothing", () => {
    expect(toggled("C", "A")).toBe("AC");
    expect(toggled("AC", "C")).toBe("A");
    expect(toggled("A", "A")).toBeNull();
  });
  it("blanks go out joined and come back apart", () => {
    expect(value_of(["5", " 10 "])).toBe("5;10");
    expect(value_of(["", ""])).toBeNull();
    expect(value_of(["1;2", "3"])).toBe("1,2;3");
    expect(value_of(["1;2"])).toBe("1;2");
    expect(blanks_of("5;", 3)).toEqual(["5", "", ""]);
    expect(blanks_of(null, 2)).toEqual(["", ""]);
    expect(value_of(["", "3"])).toBe(";3");
  });
  it("has five states", () => {
    const answer = (value: string | null, marked: boolean) => ({ value, marked, stage: "device" as const, why: null });
    const all = [
      status_of(null, false),
      status_of(null, true),
      status_of(answer("A", false), true),
      status_of(answer(null, true), true),
      status_of(answer("A", true), true),
    ];
    expect(all).toEqual(["unseen", "unanswered", "answered", "marked", "answered-marked"]);
    expect(Object.values(tally(all))).toEqual([1, 1, 1, 1, 1]);
    expect(status_of(answer(null, false), true)).toBe("unanswered");
  });
  it("writes marks with signs", () => {
    expect([marks("4"), marks("-1"), marks("0"), marks("0.00"), marks("-0.25")]).toEqual(["+4", "−1", "0", "0", "−0.25"]);
  });
});

describe("what comes packed", () => {
  const packed = (text: string) => gzipSync(text).toString("base64");

  it("is the same JSON, in every script", async () => {
    const paper = { title: "गणित √2 \u0000", items: Array.from({ length: 2000 }, (_, item) => ({ item })) };
    expect(await unpacked(packed(JSON.stringify(paper)))).toEqual(paper);
  });

  it("is nothing when it is cut off, changed, or no JSON", async () => {
    const whole = packed('{"title":"a paper"}');
    const bytes = Buffer.from(whole, "base64");
    bytes[15]! ^= 1;
    for (const bad of ["", "!", "aGFsbG8=", whole.slice(0, -8), bytes.toString("base64"), packed('{"title":')])
      expect(await unpacked(bad), bad).toBeNull();
  });

  it("is nothing in a browser that cannot inflate", async () => {
    const { DecompressionStream: kept } = globalThis;
    Reflect.deleteProperty(globalThis, "DecompressionStream");
    const nothing = await unpacked(packed("{}"));
    globalThis.DecompressionStream = kept;
    expect(nothing).toBeNull();
    expect(await unpacked(packed("{}"))).toEqual({});
  });
});
