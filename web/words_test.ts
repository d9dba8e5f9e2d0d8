import assert from "node:assert/strict";
import { test } from "node:test";
import type { Recipient } from "./api";
import { classInWords, reportIn, sentence, stateOfEvent, stateOfMessage, voice, whom, worstOf } from "./trail_words";
import {
  homeOf,
  levelOf,
  mayOpen,
  pageAt,
  railOf,
  stateOf,
  stateOfCertificate,
  stateOfDestination,
  stateOfNode,
  whyHeld,
  worstCertificate,
  worstFirst,
} from "./words";

const one = (address: string, state: string, more: Partial<Recipient> = {}): Recipient => ({
  index: 0,
  address,
  parent: -1,
  state,
  destination: "",
  due: null,
  attempts: 0,
  last_reply: "",
  changed: null,
  report_owed: "none",
  reason: "",
  ...more,
});
const now = new Date("2026-11-24T10:24:00Z");

test("what waits after a try says why in a word", () => {
  assert.deepEqual(stateOf(one("a", "waiting")), { is: "waiting", word: "waiting" });
  assert.equal(
    stateOf(one("a", "waiting", { attempts: 1, last_reply: "451 4.7.1 Greylisted, wait" })).word,
    "greylisted",
  );
  assert.equal(stateOf(one("a", "waiting", { attempts: 1, last_reply: "452 4.2.2 full" })).word, "mailbox full");
  assert.deepEqual(stateOf(one("a", "waiting", { attempts: 1, last_reply: "421 no" })), {
    is: "warning",
    word: "deferred",
  });
  assert.deepEqual(stateOf(one("a", "of tomorrow")), { is: "unknown", word: "of tomorrow" });
});

test("a level of tomorrow is unknown, and the worst comes first", () => {
  assert.equal(levelOf("splendid").is, "unknown");
  const sorted = worstFirst([{ level: "good" }, { level: "splendid" }, { level: "wrong" }, { level: "note" }]);
  assert.deepEqual(
    sorted.map((x) => x.level),
    ["wrong", "note", "good", "splendid"],
  );
});

test("a report is found at the end of what a step says", () => {
  const report = "01M8PJQFMF9ESV423HK1AYQMD8";
  assert.deepEqual(reportIn(report), { said: "", report });
  assert.deepEqual(reportIn(`returned later: 550 no; report here; report ${report}`), {
    said: "returned later: 550 no; report here",
    report,
  });
  assert.equal(reportIn("250 2.0.0 taken"), undefined);
  assert.equal(reportIn(`${report} and more`), undefined);
});

test("the certificate that asks most for somebody is told first, and a state of tomorrow is not called good", () => {
  const list = ["valid", "waiting", "renamed", "failing", "expired"].map((state) => ({ state }));
  assert.equal(worstCertificate(list)?.state, "expired");
  assert.equal(worstCertificate(list.slice(0, 3))?.state, "renamed");
  assert.equal(worstCertificate([]), undefined);
  assert.equal(stateOfCertificate("renamed").is, "unknown");
  assert.equal(stateOfCertificate("late").is, "warning");
});

test("a message is said in one sentence", () => {
  assert.equal(sentence({ recipients: [one("bob@x", "in mailbox")] }, now), "bob@x has it.");
  assert.equal(
    sentence({ recipients: [one("t@x", "expanded"), one("a@x", "in mailbox"), one("b@x", "relayed")] }, now),
    "All two have it.",
  );
  assert.equal(
    sentence(
      {
        recipients: [
          one("a@x", "relayed"),
          one("f@x", "failed"),
          one("d@x", "waiting", { due: "2026-11-24T10:37:00Z" }),
        ],
      },
      now,
    ),
    "One of three has it, f@x could not be reached, and d@x waits. Next try at 10:37.",
  );
  assert.equal(
    sentence({ recipients: [one("d@x", "waiting", { due: "2026-11-24T10:00:00Z" })] }, now),
    "d@x waits. It is tried now.",
  );
  const told = {
    host: "h",
    place: "",
    peer: { code: 550, status: "5.1.1", text: "no" },
    own: { code: 0, status: "", text: "" },
  };
  assert.equal(
    sentence({ recipients: [one("a@x", "failed", { told }), one("b@x", "failed")] }, now),
    "a@x was refused, and b@x could not be reached.",
  );
  assert.equal(worstOf([one("a@x", "failed"), one("b@x", "held")])?.address, "b@x");
  assert.equal(worstOf([one("a@x", "relayed")]), undefined);
  assert.equal(sentence({ recipients: [] }, now), "This message has no recipients.");
});

test("the worst of its recipients is a message's state", () => {
  assert.equal(
    stateOfMessage({ recipients: [one("a", "relayed"), one("b", "failed"), one("c", "waiting")] }).word,
    "Waiting",
  );
  assert.equal(stateOfMessage({ recipients: [one("a", "held"), one("b", "failed")] }).is, "held");
  assert.equal(stateOfMessage({ recipients: [one("a", "relayed"), one("b", "dropped")] }).is, "dropped");
  assert.equal(stateOfMessage({ recipients: [one("a", "relayed")] }).word, "Arrived");
});

test("steps name whom they are about", () => {
  const recipients = [one("a@x", "relayed", { index: 4 })];
  assert.equal(whom({ at: "", kind: "deferred", recipients: [4], detail: "", times: 5 }, recipients), "a@x, 5 times");
  assert.equal(whom({ at: "", kind: "accepted", recipients: [], detail: "", times: 1 }, recipients), "the message");
  assert.equal(whom({ at: "", kind: "x", recipients: [9], detail: "", times: 1 }, recipients), "recipient 9");
  assert.equal(stateOfEvent("teleported").is, "unknown");
  assert.equal(voice(undefined), "");
  assert.equal(
    voice({
      host: "h",
      place: "",
      peer: { code: 452, status: "4.2.2", text: "full" },
      own: { code: 0, status: "", text: "" },
    }),
    "452 4.2.2 full",
  );
});

test("destinations have a word of their own", () => {
  const of = (failures: number, last_error: string) =>
    stateOfDestination({ failures, last_error, backoff_until: null }).word;
  assert.equal(of(0, ""), "waiting");
  assert.equal(of(3, "the certificate has ended"), "failing");
  assert.equal(of(3, "connect: timed out"), "no answer");
  assert.equal(of(1, "451 greylisting in action"), "greylisted");
  assert.equal(whyHeld({ hold: "quarantine", reason: "" }), "The policy of its author's domain asks for it.");
  assert.equal(whyHeld({ reason: "because" }), "because");
});

test("a node that gives no sign of life is not well, whatever it was told", () => {
  assert.deepEqual(stateOfNode({ silent_ms: 900, drained: false }), { is: "good", word: "works" });
  assert.deepEqual(stateOfNode({ silent_ms: 900, drained: true }), { is: "waiting", word: "drained" });
  assert.equal(stateOfNode({ silent_ms: 6000, drained: true }).word, "silent");
});

test("each role opens its own pages and no other", () => {
  const rail = (role: string, more = {}) =>
    railOf({ role, login: "a@x", ...more })
      .flat()
      .map((page) => page.path)
      .join(" ");
  const all =
    "today me trail queue live deliverability certificates domains accounts hooks tokens suppressions lists audit nodes settings";
  assert.equal(rail("operator"), all);
  assert.equal(rail("root", { login: undefined }), all.replace(" me", ""));
  assert.equal(rail("domain administrator"), "me trail queue deliverability domains accounts hooks tokens suppressions");
  assert.equal(rail("account"), "me trail queue hooks tokens suppressions");
  assert.equal(rail("emperor"), "me trail queue hooks tokens suppressions");
  assert.equal(rail("sink", { sink: true, login: "" }), "sink");
  assert.equal(homeOf({ role: "account", login: "a@x" }), "me");
  assert.equal(homeOf({ role: "sink", sink: true }), "sink");
  const settings = pageAt("settings");
  assert.ok(settings && !mayOpen(settings, { role: "account", login: "a@x" }));
  assert.equal(pageAt("constructor"), undefined);
});

test("the class of a failure is said in words", () => {
  assert.equal(classInWords("no-such-user"), "The mailbox does not exist there.");
  assert.equal(classInWords(undefined), "");
  assert.equal(classInWords("unknown"), "");
  assert.equal(classInWords("of-tomorrow"), "Class: of-tomorrow.");
});
