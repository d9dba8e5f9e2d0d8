// A message's trail in words: what a page says first of it.
import type { Message, Recipient, Told, TrailEvent } from "./api";
import { count, named, plural, when } from "./format";
import { type Shape, type State, stateOf } from "./words";

const numbers = [
  "no",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
];
const inWords = (n: number): string => numbers[n] ?? count(n);
/** An address at the beginning stays as it is. */
const capital = (text: string): string => (/^\S*@/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1));

const arrived = new Set(["in mailbox", "relayed", "expanded", "delivered"]);

/** Who says what, as one line: "452 4.2.2 mailbox full". */
export function voice(told: Told | undefined): string {
  const peer = told?.peer;
  if (!peer || (!peer.code && !peer.text)) return "";
  return [peer.code || "", peer.status, peer.text].filter(Boolean).join(" ");
}

/** Those that count for people: what an alias led to stands for the alias. */
const leaves = (recipients: readonly Recipient[]): Recipient[] => recipients.filter((one) => one.state !== "expanded");

/** The worst that is so of a message. */
export function stateOfMessage(message: Pick<Message, "recipients">): State {
  const list = leaves(message.recipients);
  const has = (state: string): Recipient | undefined => list.find((one) => one.state === state);
  const held = has("held");
  if (held) return { is: "held", word: "Held" };
  const late = list.find((one) => one.state === "waiting" && one.attempts > 0) ?? has("waiting");
  if (late) return { is: stateOf(late).is, word: capital(stateOf(late).word) };
  if (has("in hand")) return { is: "moving", word: "In hand" };
  if (has("failed")) return { is: "bad", word: "Failed" };
  if (has("dropped")) return { is: "dropped", word: "Dropped" };
  return { is: "good", word: "Arrived" };
}

/** "Three of five have it, frank@example.com was refused, and dora@uni.example.net waits. Next try at 10:37." */
export function sentence(message: Pick<Message, "recipients">, now: Date): string {
  const list = leaves(message.recipients);
  if (list.length === 0) return "This message has no recipients.";
  const there = list.filter((one) => arrived.has(one.state));
  const rest = (state: string): string[] => list.filter((one) => one.state === state).map((one) => one.address);
  const parts: string[] = [];
  if (there.length === list.length)
    return list.length === 1 ? `${there[0]?.address} has it.` : `All ${inWords(list.length)} have it.`;
  if (there.length > 0)
    parts.push(`${inWords(there.length)} of ${inWords(list.length)} ${there.length === 1 ? "has" : "have"} it`);
  const say = (names: string[], one: string, many: string): void => {
    if (names.length > 0) parts.push(`${named(names)} ${names.length === 1 ? one : many}`);
  };
  const refused = list
    .filter((one) => one.state === "failed" && (one.told?.peer.code ?? 0) >= 500)
    .map((one) => one.address);
  say(refused, "was refused", "were refused");
  say(
    rest("failed").filter((name) => !refused.includes(name)),
    "could not be reached",
    "could not be reached",
  );
  say(rest("dropped"), "was dropped", "were dropped");
  say(rest("held"), "is held", "are held");
  say(rest("in hand"), "is in hand", "are in hand");
  say(rest("waiting"), "waits", "wait");
  const known =
    parts.length > 1 ? `${parts.slice(0, -1).join(", ")}, and ${parts[parts.length - 1]}` : (parts[0] ?? "");
  const due = list
    .filter((one) => one.state === "waiting" && one.due)
    .map((one) => Date.parse(one.due as string))
    .sort((a, b) => a - b)[0];
  const next =
    due === undefined ? "" : due <= now.getTime() ? " It is tried now." : ` Next try at ${when(new Date(due), now)}.`;
  return `${capital(known)}.${next}`;
}

/** Whose fate a page tells first: who is held, late, refused or dropped. */
export const worstOf = (recipients: readonly Recipient[]): Recipient | undefined =>
  ["held", "waiting", "failed", "dropped"]
    .map((state) => recipients.find((one) => one.state === state))
    .find((one) => one !== undefined);

const kinds: Record<string, { is: Shape; word: string }> = {
  accepted: { is: "good", word: "accepted" },
  delivered: { is: "good", word: "in mailbox" },
  expanded: { is: "good", word: "expanded" },
  relayed: { is: "good", word: "relayed" },
  deferred: { is: "warning", word: "deferred" },
  failed: { is: "bad", word: "failed" },
  reported: { is: "good", word: "reported" },
  held: { is: "held", word: "held" },
  released: { is: "good", word: "released" },
  dropped: { is: "dropped", word: "dropped" },
  retrieved: { is: "good", word: "retrieved" },
  removed: { is: "dropped", word: "removed" },
  returned: { is: "bad", word: "returned" },
  suppressed: { is: "dropped", word: "suppressed" },
  warned: { is: "warning", word: "warned" },
  complained: { is: "bad", word: "called spam" },
};

export const stateOfEvent = (kind: string): State => kinds[kind] ?? { is: "unknown", word: kind };

const classes: Record<string, string> = {
  "no-such-user": "The mailbox does not exist there.",
  "no-such-domain": "The domain does not exist, or takes no mail.",
  disabled: "The mailbox exists and takes nothing.",
  full: "The mailbox has no room.",
  rate: "It was too much or too fast for now.",
  greylist: "Who comes there for the first time is to come again later.",
  "blocked-source": "The address that this server sends from is on a list.",
  "blocked-domain": "A domain of the sender, or in the message, is on a list.",
  "spam-content": "What the message says looks like spam to them.",
  authentication: "SPF, DKIM or DMARC, or our login there, did not satisfy.",
  tls: "The protection that somebody asks for can't be had.",
  size: "The message is too large for them.",
  policy: "It is not wanted there, without a more exact reason.",
  loop: "It goes round in a circle.",
  expired: "Its time was over, and no server had named a reason of its own.",
  network: "There was no connection, or the DNS had no answer.",
  protocol: "They don't take a message of this kind.",
  unknown: "",
};

/** What class a failure is of, as a sentence; empty where that says nothing. */
export const classInWords = (bounce: string | undefined): string =>
  bounce === undefined || bounce === "" ? "" : (classes[bounce] ?? `Class: ${bounce}.`);

/** What a step's detail says, and the report that it ends with: "returned later: no such user; report 01M8…". */
export function reportIn(detail: string): { said: string; report: string } | undefined {
  const found = /^(?:(.*); report )?([0-9A-HJKMNP-TV-Z]{26})$/is.exec(detail);
  return found ? { said: found[1] ?? "", report: (found[2] ?? "").toUpperCase() } : undefined;
}

/** Whom a step is about, and how often. */
export function whom(event: TrailEvent, recipients: readonly Recipient[]): string {
  const names = event.recipients.map(
    (index) => recipients.find((one) => one.index === index)?.address ?? `recipient ${index}`,
  );
  const who = names.length === 0 ? "the message" : named(names, 4);
  return event.times > 1 ? `${who}, ${plural(event.times, "time")}` : who;
}

/** How a hop was protected, by what the message's facts say of TLS. */
export function protection(tls: string): { lock: "checked" | "unchecked" | "open"; words: string } | null {
  if (!tls) return null;
  if (/^(none|clear|plain)/i.test(tls)) return { lock: "open", words: "It came in clear." };
  return { lock: "unchecked", words: `It came encrypted with ${tls}.` };
}
