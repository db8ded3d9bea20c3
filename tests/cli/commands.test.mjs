// commands.test.mjs - the command line as scripts meet it: fields, exit statuses, words.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createHash, createHmac } from "node:crypto";
import { EXAMHALL, Serving, codes, examhall, expect, folder, free_port, json, remove, until, write } from "./support.mjs";

let dir, data, made;

before(() => {
  dir = folder();
  data = join(dir, "hall");
  made = json("init", data);
});
after(() => remove(dir));

describe("init", () => {
  test("says the fields that scripts read", () => {
    assert.deepEqual(Object.keys(made), ["url", "officer", "candidates"]);
    assert.deepEqual(Object.keys(made.officer), ["name", "password", "totp_secret"]);
    assert.match(made.officer.totp_secret, /^[A-Z2-7]{32}$/);
    assert.equal(made.candidates, join(data, "candidates.csv"));
    assert.equal(codes(data).size, 200);
    for (const code of codes(data).values()) assert.match(code, /^[0-9A-HJKMNP-TV-Z]{16}$/);
  });
  test("keeps its secrets to itself", () => {
    for (const name of ["keys/master", "keys/tls.key", "candidates.csv"])
      assert.equal(statSync(join(data, name)).mode & 0o077, 0, name);
    assert.match(readFileSync(join(data, "keys/receipt.pub"), "utf8"), /^[0-9a-f]{64}\n$/);
  });
  test("refuses a folder that is in use, and leaves it alone", () => {
    const before = readFileSync(join(data, "keys/master"));
    const { err } = expect(1, "init", data);
    assert.match(err, /is there already/);
    assert.match(err, /examhall serve --data/);
    assert.deepEqual(readFileSync(join(data, "keys/master")), before);
  });
  test("makes an empty hall when told so", () => {
    const empty = join(dir, "empty");
    json("init", empty, "--empty");
    assert.deepEqual(json("exam", "list", "--data", empty).exams, []);
  });
  test("says what is missing", () => assert.match(expect(2, "init").err, /usage: examhall init DIR/));
  test("says where it cannot write", () => {
    const { err } = expect(3, "init", join(dir, "no/such/folder"));
    assert.match(err, /cannot make the folder/);
    assert.ok(!existsSync(join(dir, "no")));
  });
});

describe("help", () => {
  const commands = ["init", "serve", "status", "exam", "roster", "officer", "rehearse", "verify", "upgrade"];
  for (const command of commands)
    test(`${command} --help has an example and writes to stdout`, () => {
      const { out, err } = expect(0, command, "--help");
      assert.match(out, new RegExp(`^usage: examhall ${command}`));
      assert.match(out, new RegExp(`\\n  examhall ${command} `));
      assert.equal(err, "");
    });
  test("lists every command", () => {
    const { out } = expect(0, "--help");
    for (const command of commands) assert.match(out, new RegExp(`examhall ${command} `));
    assert.match(expect(2).err, /examhall COMMAND --help/);
    assert.match(expect(0, "--version").out, /^examhall \S+\n$/);
  });
  test("suggests the nearest command and option", () => {
    assert.match(expect(2, "statsu").err, /did you mean status\?|did you mean status;/);
    assert.match(expect(2, "status", "--dtaa", "x").err, /did you mean --data/);
    assert.match(expect(2, "status", "--data").err, /--data needs a value/);
    assert.match(expect(2, "status", "much").err, /one word too many: much/);
  });
  test("takes a value behind an equals sign too, and only where there is one to take", () => {
    assert.equal(expect(0, "exam", "list", `--data=${data}`).out, expect(0, "exam", "list", "--data", data).out);
    assert.match(expect(2, "serve", "--quiet=yes").err, /there is no option --quiet=yes; did you mean --quiet/);
  });
  test("says how to make a hall where there is none", () => {
    for (const command of [["status"], ["exam", "list"], ["roster", "export"], ["serve"]])
      assert.match(expect(3, ...command, "--data", join(dir, "none")).err, /make one with: examhall init/);
  });
});

describe("a look", () => {
  const files = (dir) =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ path, name }) => join(path, name))
      .sort()
      .map((file) => [file, statSync(file).mtimeMs, createHash("sha256").update(readFileSync(file)).digest("hex")]);

  test("at a hall that is stopped (status, exam list, roster export) changes nothing, though its spec says something new", () => {
    const still = join(dir, "still");
    json("init", still);
    const spec = readFileSync(join(still, "hall.yaml"), "utf8");
    assert.match(spec, /minutes: 60/);
    write(still, "hall.yaml", spec.replace("minutes: 60", "minutes: 61"));
    const before = files(still);
    assert.equal(json("status", "--data", still).candidates.roster, 200);
    assert.match(expect(0, "status", "--data", still).out, /60 minutes/);
    assert.equal(json("exam", "list", "--data", still).exams[0].minutes, 60);
    assert.equal(expect(0, "roster", "export", "--data", still).out.trim().split("\n").length, 201);
    assert.deepEqual(files(still), before);
    expect(0, "exam", "open", "sample", "--data", still);
    assert.equal(json("exam", "list", "--data", still).exams[0].minutes, 61);
  });
});

describe("exam", () => {
  const item = (text, key) => JSON.stringify({ kind: "single", text, options: ["a", "b"], key });

  test("import reports every line that is refused, and takes the others", () => {
    const paper = write(dir, "p1.jsonl", [item("one", "A"), "{broken", item("three", "C"), item("four", "B"), ""].join("\n"));
    const report = json("exam", "import", "p1", paper, "--data", data);
    assert.equal(report.read, 4);
    assert.equal(report.imported, 2);
    assert.deepEqual(report.refused.map(({ line }) => line), [2, 3]);
    for (const { reason } of report.refused) assert.ok(reason.length > 15, reason);
    const { out } = expect(0, "exam", "import", "p1", paper, "--data", data, "--replace");
    assert.match(out, /^line 2 refused: /m);
    assert.match(out, /4 items read, 2 imported, 2 refused/);
  });
  test("a paper cut in half keeps its whole items", () => {
    const whole = [item("one", "A"), item("two", "B"), item("three", "A")].join("\n");
    const paper = write(dir, "half.jsonl", whole.slice(0, whole.length - 20));
    const report = json("exam", "import", "half", paper, "--data", data);
    assert.equal(report.imported, 2);
    assert.deepEqual(report.refused.map(({ line }) => line), [3]);
  });
  test("a file that has nothing good says no", () => {
    const { status, out } = examhall("exam", "import", "bad", write(dir, "bad.jsonl", "{\n{\n"), "--data", data, "--json");
    assert.equal(status, 1);
    assert.equal(JSON.parse(out).imported, 0);
  });
  test("refuses what it cannot read in words", () => {
    assert.match(expect(3, "exam", "import", "p1", join(dir, "none.csv"), "--data", data).err, /none\.csv cannot be read/);
    assert.match(expect(2, "exam", "import", "p1", write(dir, "x.odt", ""), "--data", data).err, /--format jsonl, csv or gift/);
    assert.match(expect(2, "exam").err, /usage: examhall exam/);
    assert.match(expect(2, "exam", "opne", "p1", "--data", data).err, /usage: examhall exam/);
  });
  test("an exam's name that cannot be is refused, whatever is in it", () => {
    for (const name of ["No Such Name", "a b", "../x", "a?b", "ä", "", "x".repeat(5000), "a\r\nHost: b"]) {
      const { status, err } = examhall("exam", "open", name, "--data", data);
      assert.ok([2, 3].includes(status), `${JSON.stringify(name)}: ${status} ${err}`);
      assert.ok(err.length > 10);
      assert.notEqual(examhall("exam", "import", name, write(dir, "one.jsonl", item("x", "A")), "--data", data).status, 0);
    }
  });
  test("what its state forbids is 1, what does not exist 3", () => {
    assert.match(expect(1, "exam", "score", "p1", "--data", data).err, /close the exam/);
    assert.match(expect(1, "exam", "publish", "p1", "--data", data).err, /score the exam/);
    assert.match(expect(3, "exam", "open", "none", "--data", data).err, /there is no exam "none"/);
    const failed = examhall("exam", "open", "none", "--data", data, "--json");
    assert.match(JSON.parse(failed.out).error, /there is no exam/);
  });
  test("goes its way from draft to published without a running hall", () => {
    const states = ["open", "close", "score", "publish"].map((act) => json("exam", act, "p1", "--data", data).state);
    assert.deepEqual(states, ["open", "closed", "scored", "published"]);
  });
});

describe("roster", () => {
  const head = "roll,name,birth,centre,exam,shift,extra_minutes\n";

  test("a repeated roll number and bad rows are reported by line, the others imported", () => {
    const rows = ["N1,Ann,2009-01-02,C1,sample,day,0", "N2,Bo,2009-01-02,,sample,,", "N1,Ann again,2009-01-02,,sample,,", "N 3,Blank,2009-01-02,,sample,,", "N4,Late,2009-01-02,,sample,night,"];
    const report = json("roster", "import", write(dir, "r.csv", `${head}${rows.join("\n")}\n`), "--data", data);
    assert.equal(report.read, 5);
    assert.equal(report.imported, 2);
    assert.deepEqual(report.refused.map(({ line }) => line), [4, 5, 6]);
    assert.match(report.refused[0].reason, /N1 is on line 2 already/);
  });
  test("comes through a pipe too", () => {
    const { stdout } = spawnSync("sh", ["-c", `printf 'roll,name,exam\\n,Nobody,sample\\n' | "$0" "$@"`, EXAMHALL, "roster", "import", "/dev/stdin", "--data", data, "--json"], { encoding: "utf8" });
    assert.deepEqual(JSON.parse(stdout).refused.map(({ line }) => line), [2]);
  });

  test("a roll number of an earlier import is refused", () => {
    const report = examhall("roster", "import", write(dir, "r2.csv", `${head}N1,Ann,2009-01-02,,sample,,\n`), "--data", data, "--json");
    assert.equal(report.status, 1);
    assert.match(JSON.parse(report.out).refused[0].reason, /on the roster already/);
  });
  test("what is exported imports as it was", () => {
    const odd = `${head}Q1,"O'Neil, ""Pat""",2009-02-03,"Centre, North",sample,day,15\n`;
    assert.equal(json("roster", "import", write(dir, "odd.csv", odd), "--data", data).imported, 1);
    const exported = expect(0, "roster", "export", "--data", data).out;
    assert.ok(exported.includes(odd.split("\n")[1]));
    const twin = join(dir, "twin");
    json("init", twin, "--empty");
    write(twin, "hall.yaml", readFileSync(join(data, "hall.yaml"), "utf8"));
    const report = json("roster", "import", write(dir, "all.csv", exported), "--data", twin);
    assert.deepEqual(report.refused, []);
    const again = expect(0, "roster", "export", "--data", twin).out;
    assert.equal(again, exported);
    const secret = expect(0, "roster", "export", "--codes", "--data", twin).out;
    assert.match(secret, /^roll,code\n/);
    assert.ok(!secret.includes(codes(data).values().next().value)); /* another hall, other codes */
  });
  test("450,000 rows in one go", (t) => {
    const big = join(dir, "big");
    json("init", big, "--empty");
    expect(0, "exam", "import", "p", write(dir, "one.jsonl", '{"kind":"number","text":"x","key":"1"}'), "--data", big);
    const rows = ["roll,name,birth,centre,shift,extra_minutes"];
    for (let i = 0; i < 450_000; i++) rows.push(`${1_000_000 + i},Candidate Number ${i},2009-05-06,C${i % 1500},,0`);
    const file = write(dir, "big.csv", `${rows.join("\n")}\n`);
    const start = Date.now();
    const report = json("roster", "import", file, "--data", big);
    t.diagnostic(`450,000 rows in ${(Date.now() - start) / 1000} s`);
    assert.equal(report.imported, 450_000);
    assert.deepEqual(report.refused, []);
    assert.equal(json("status", "--data", big).candidates.roster, 450_000);
    remove(big);
  });
});

describe("officer", () => {
  /** RFC 6238, of a secret in base32. */
  function one_time_code(secret) {
    const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
    const mac = createHmac("sha1", Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))).update(counter).digest();
    return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }

  test("one who was added signs in; the same name again is refused", async () => {
    const { name, password, totp_secret } = json("officer", "add", "invigilator-7", "--data", data);
    assert.equal(name, "invigilator-7");
    const hall = await Serving.start(data);
    const reply = await hall.ask("POST", "/v1/staff/sessions", { name, password, totp: one_time_code(totp_secret) });
    assert.equal(reply.status, 200, reply.raw);
    assert.match(expect(0, "officer", "add", "invigilator-8", "--data", data).out, /password  \S{12,}\n[^]*otpauth:.*shown only now/s);
    await hall.stop();
    assert.match(expect(1, "officer", "add", name, "--data", data).err, /is new/);
    assert.match(expect(2, "officer", "remove", name, "--data", data).err, /usage: examhall officer add/);
  });
});

describe("serve", () => {
  test("a mistake in the spec is said with line and what would be right, before anything starts", () => {
    const spec = write(dir, "wrong.yaml", "hall: x\nexams:\n  - name: a\n    minuts: 60\n");
    const { err } = expect(2, "serve", "--data", data, "--spec", spec);
    assert.match(err, /wrong\.yaml, line 4: .*"minuts".*did you mean minutes/);
    assert.match(expect(3, "serve", "--data", data, "--spec", join(dir, "none.yaml")).err, /none\.yaml cannot be read/);
  });
  test("a setting that does not exist is said by name", () => {
    const spec = write(dir, "setting.yaml", "hall: x\nsettings: {answers.grace: 5}\n");
    const { err } = expect(2, "serve", "--data", data, "--spec", spec, "--listen", "127.0.0.1:1");
    assert.match(err, /answers\.grace_s/);
  });
  test("a port in use is said, and what to do", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((ready) => server.once("listening", ready));
    const { err } = expect(3, "serve", "--data", data, "--listen", `127.0.0.1:${server.address().port}`);
    server.close();
    assert.match(err, /is in use/);
    assert.match(err, /--listen/);
    assert.match(expect(2, "serve", "--data", data, "--listen", "nowhere:port").err, /not an address to listen on/);
  });

  test("more candidates than open files: a reactor keeps them in the kernel's rings", async (t) => {
    const [port, count] = [await free_port(), 600];
    const child = spawn("sh", ["-c", 'ulimit -n 300 && exec "$0" "$@"', EXAMHALL, "serve", "--data", data, "--quiet", "--listen", "127.0.0.1:0", "--listen-plain", `127.0.0.1:${port}`]);
    let said = "";
    child.stderr.on("data", (text) => (said += text));
    const ended = new Promise((end) => child.once("exit", end));
    try {
      await until("it serves", () => said.includes('"hall.ready"'));
      if (/"gateway.started".*"reactors":64/.test(said)) return t.skip("this kernel, or this container's filter, has no rings");
      assert.doesNotMatch(said, /limit\.low/);
      const ask = (socket) => new Promise((reply, lost) => {
        socket.once("data", (bytes) => reply(bytes.toString("latin1", 0, 15)));
        socket.once("close", () => lost(new Error("closed")));
        socket.write("GET /v1/time HTTP/1.1\r\nHost: h\r\n\r\n");
      });
      const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1"));
      assert.deepEqual([...new Set(await Promise.all(sockets.map(ask)))], ["HTTP/1.1 200 OK"]);
      assert.deepEqual([...new Set(await Promise.all(sockets.map(ask)))], ["HTTP/1.1 200 OK"], "and once more on the same connections");
      for (const socket of sockets) socket.destroy();
    } finally {
      child.kill("SIGTERM");
    }
    assert.equal(await ended, 0);
  });

  test("an open-file limit too low for the roster is said with what it should be; one that serves nobody is refused", async () => {
    const serve = (files) => {
      const child = spawn("sh", ["-c", `ulimit -n ${files} && exec "$0" "$@"`, EXAMHALL, "serve", "--data", data, "--quiet", "--listen", "127.0.0.1:0"]);
      child.said = "";
      child.stderr.on("data", (text) => (child.said += text));
      child.ended = new Promise((ended) => child.once("exit", ended));
      return child;
    };
    const low = serve(190); // too few for rings
    await until("it serves all the same", () => low.said.includes('"hall.ready"'));
    low.kill("SIGTERM");
    assert.equal(await low.ended, 0);
    assert.match(low.said, /"limit.low".*"limit":"open files","is":190,"needs":377,.*"set":"ulimit -Hn 377"/);
    assert.match(low.said, /"gateway.started".*"reactors":64,"connections_max":8064/);
    const none = serve(100);
    assert.equal(await none.ended, 3);
    assert.match(none.said, /open files is 100, which serves nobody; set it: ulimit -Hn/);
  });

  describe("and a running hall", () => {
    let hall, before_serving;
    const see = () => [json("exam", "list", "--data", data), expect(0, "roster", "export", "--data", data).out, expect(0, "roster", "export", "--codes", "--data", data).out];

    before(async () => {
      before_serving = see();
      hall = await Serving.start(data);
    });
    after(() => hall.stop());

    test("is asked the same and answers the same as without", () => assert.deepEqual(see(), before_serving));
    test("is not served a second time from the same folder", async () => {
      const { err } = expect(1, "serve", "--data", data, "--listen", `127.0.0.1:${await free_port()}`);
      assert.match(err, /a hall runs on this folder already/);
      assert.equal((await hall.ask("GET", "/-/ready")).status, 200);
      assert.equal(json("status", "--data", data).services[0].state, "running");
    });
    test("shows its status in the fields that scripts read", () => {
      const status = json("status", "--data", data);
      for (const name of ["version", "services", "candidates", "saves_per_s", "latency_ms"]) assert.ok(name in status, name);
      for (const name of ["signed_in", "started", "submitted"]) assert.equal(typeof status.candidates[name], "number");
      const names = status.services.map(({ name }) => name);
      for (const name of ["gateway", "identity", "itembank", "assembly", "delivery", "answers", "scoring", "results", "portal"])
        assert.ok(names.includes(name), name);
      for (const { state, pid } of status.services) assert.ok(state === "running" && pid > 0);
      assert.match(expect(0, "status", "--data", data).out, /hall +running/);
    });
    test("takes exams and candidates as well", () => {
      const paper = write(dir, "live.jsonl", '{"kind":"number","text":"x","key":"1"}\n{');
      const report = json("exam", "import", "live", paper, "--data", data);
      assert.equal(report.imported, 1);
      assert.deepEqual(report.refused.map(({ line }) => line), [2]);
      assert.equal(json("roster", "import", write(dir, "l.csv", "roll,name,exam\nL1,Li,live\n"), "--data", data).imported, 1);
      for (const name of ["a b", "a\r\nHost: b", "x".repeat(5000)]) {
        const { status } = examhall("exam", "open", name, "--data", data);
        assert.ok(status > 0, name);
      }
      assert.equal(json("exam", "open", "live", "--data", data).state, "open");
    });
    test("signs receipts that verify, and changed ones do not", async () => {
      const [[roll, code]] = expect(0, "roster", "export", "--codes", "--data", data).out.trim().split("\n").slice(-1).map((line) => line.split(","));
      assert.equal(roll, "L1");
      const { attempt } = (await hall.ask("POST", "/v1/sessions", { roll, code })).body;
      const cookie = await hall.sign_in(roll, code);
      assert.equal((await hall.ask("POST", `/v1/attempts/${attempt}/start`, {}, cookie)).status, 200);
      const saved = await hall.ask("PUT", `/v1/attempts/${attempt}/answers/1`, { value: "1", marked: false, seq: 1 }, cookie);
      assert.equal(saved.status, 200, saved.raw);
      const receipt = (await hall.ask("POST", `/v1/attempts/${attempt}/submit`, {}, cookie)).body;
      const verify = (what, ...more) => examhall("verify", "receipt", write(dir, "receipt.json", what), ...more);
      const good = verify(JSON.stringify(receipt), "--data", data, "--json");
      assert.equal(good.status, 0, good.err);
      assert.equal(JSON.parse(good.out).valid, true);
      assert.match(verify(JSON.stringify(receipt), "--key", join(data, "keys/receipt.pub")).out, /^True\./);
      const changed = verify(JSON.stringify({ ...receipt, answered: 50 }), "--data", data, "--json");
      assert.equal(changed.status, 1);
      assert.equal(JSON.parse(changed.out).valid, false);
      assert.match(verify(JSON.stringify(receipt), "--data", join(dir, "twin")).out, /^NOT TRUE: .*another hall/);
      assert.equal(verify("no receipt at all", "--data", data).status, 1);
      assert.equal(examhall("verify", "receipt", join(dir, "none.json"), "--data", data).status, 3);
      assert.equal(examhall("verify", "certificate", join(dir, "none.json"), "--data", data).status, 3);
    });
    test("comes back from kill -9 with the spec it began with, whatever is in the file by then", async () => {
      const spec = join(data, "hall.yaml");
      const text = readFileSync(spec, "utf8");
      const pid = () => json("status", "--data", data).services.find(({ name }) => name === "answers").pid;
      const first = pid();
      writeFileSync(spec, "hall: [half of\n");
      process.kill(first, "SIGKILL");
      assert.equal((await hall.ask("GET", "/v1/time")).status, 200); /* the gateway held it */
      assert.notEqual(pid(), first);
      writeFileSync(spec, text);
    });
    test("ends in peace when told to, and the folder is free again", async () => {
      assert.equal(await hall.stop(), 0);
      assert.ok(!existsSync(join(data, "run/admin.sock")));
      assert.equal(json("status", "--data", data).services[0].state, "down");
      assert.equal(json("status", "--data", data).candidates.submitted, 1);
    });
  });

  test("a hall whose supervisor was killed leaves a folder that works", async () => {
    const hall = await Serving.start(data);
    const pids = json("status", "--data", data).services.map(({ pid }) => pid);
    hall.process.kill("SIGKILL");
    await hall.ended;
    await until("its processes are gone", () => pids.every((pid) => !existsSync(`/proc/${pid}`)));
    assert.ok(existsSync(join(data, "run/admin.sock"))); /* left behind */
    assert.ok(json("exam", "list", "--data", data).exams.length > 0);
    const again = await Serving.start(data);
    assert.equal(await again.stop(), 0);
  });
});
