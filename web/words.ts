// The words and shapes of states, and which role opens which page.
import type { Level, Me, Recipient } from "./api";

export type Shape =
  "good" | "moving" | "waiting" | "idle" | "warning" | "bad" | "held" | "dropped" | "note" | "unknown";

export interface State {
  is: Shape;
  word: string;
}

const states: Record<string, Shape> = {
  "in mailbox": "good",
  relayed: "good",
  expanded: "good",
  delivered: "good",
  "in hand": "moving",
  waiting: "waiting",
  held: "held",
  failed: "bad",
  dropped: "dropped",
};

const full = /\b4\.2\.2\b|mailbox (is )?full|over quota/i;
const grey = /grey-?list|gray-?list/i;

/** What to call a recipient's state: one that was tried and waits again has its reason as word. */
export function stateOf(recipient: Pick<Recipient, "state" | "attempts" | "last_reply" | "due">): State {
  if (recipient.state === "waiting" && recipient.attempts > 0) {
    if (grey.test(recipient.last_reply)) return { is: "waiting", word: "greylisted" };
    if (full.test(recipient.last_reply)) return { is: "waiting", word: "mailbox full" };
    return { is: "warning", word: "deferred" };
  }
  return { is: states[recipient.state] ?? "unknown", word: recipient.state || "unknown" };
}

export const levels: Record<Level, State> = {
  wrong: { is: "bad", word: "Wrong" },
  warning: { is: "warning", word: "Warning" },
  unknown: { is: "unknown", word: "Unknown" },
  note: { is: "note", word: "Note" },
  good: { is: "good", word: "Good" },
};

/** A level that a newer server may tell of is unknown. */
export const levelOf = (level: string): State => levels[level as Level] ?? levels.unknown;

const gravity: readonly string[] = ["wrong", "warning", "unknown", "note", "good"];

/** The worst first; equals stay in the order in which they came. */
export function worstFirst<T extends { level: string }>(findings: readonly T[]): T[] {
  const rank = (one: T): number => (gravity.indexOf(one.level) + gravity.length) % gravity.length;
  return findings
    .map((one, at) => ({ one, at }))
    .sort((a, b) => rank(a.one) - rank(b.one) || a.at - b.at)
    .map(({ one }) => one);
}

/** What a destination that mail waits for is like. */
export function stateOfDestination(one: { failures: number; last_error: string; backoff_until: string | null }): State {
  if (grey.test(one.last_error)) return { is: "waiting", word: "greylisted" };
  if (one.failures === 0)
    return one.last_error ? { is: "warning", word: "deferred" } : { is: "waiting", word: "waiting" };
  if (/certificate|TLS|DANE|MTA-STS/i.test(one.last_error)) return { is: "bad", word: "failing" };
  if (/time|answer|connect|unreach|refused/i.test(one.last_error)) return { is: "warning", word: "no answer" };
  return { is: "warning", word: "deferred" };
}

const holds: Record<string, string> = {
  unowned: "The address leads to no account.",
  quarantine: "The policy of its author's domain asks for it.",
  filter: "A content filter asks for it.",
  order: "An operator keeps it.",
  takeover: "The account that sent it looks taken over.",
  restored: "It waited when the backup was made that was restored.",
  suspended: "An operator has suspended mail of its account, or to its domain.",
  damaged: "Its content is missing from the store.",
  later: "Its sender wants it sent later.",
};

/** Why something is held, in words. */
export const whyHeld = (one: { hold?: string; reason: string }): string =>
  holds[one.hold ?? ""] ?? (one.reason || "Nobody says why.");

const suppressionReasons: Record<string, State> = {
  "no-such-user": { is: "bad", word: "does not exist" },
  full: { is: "warning", word: "has no room" },
  disabled: { is: "warning", word: "takes nothing" },
  complaint: { is: "bad", word: "called it spam" },
  manual: { is: "dropped", word: "put here by hand" },
};

/** Why programs send nothing to an address any more. */
export const stateOfSuppression = (reason: string): State =>
  suppressionReasons[reason] ?? { is: "unknown", word: reason || "unknown" };

const certificateStates: Record<string, State> = {
  valid: { is: "good", word: "good" },
  waiting: { is: "waiting", word: "on its way" },
  late: { is: "warning", word: "late" },
  failing: { is: "bad", word: "failing" },
  expired: { is: "bad", word: "expired" },
};

export const stateOfCertificate = (state: string): State =>
  certificateStates[state] ?? { is: "unknown", word: state || "unknown" };

const certificateGravity: readonly string[] = ["expired", "failing", "late", "waiting", "valid"];

/** The certificate that asks most for somebody; a state of tomorrow stands behind all that is known to be bad. */
export const worstCertificate = <T extends { state: string }>(list: readonly T[]): T | undefined => {
  const rank = (one: T): number => {
    const at = certificateGravity.indexOf(one.state);
    return at < 0 ? certificateGravity.indexOf("late") : at;
  };
  return [...list].sort((a, b) => rank(a) - rank(b))[0];
};

/** Silence after which a node seems not well; after ten seconds another one takes its work over. */
const nodeSilence = 4_000;

export function stateOfNode(node: { silent_ms: number; drained: boolean }): State {
  if (node.silent_ms > nodeSilence) return { is: "warning", word: "silent" };
  return node.drained ? { is: "waiting", word: "drained" } : { is: "good", word: "works" };
}

// ---- Pages ----

export type Role = "operator" | "domain" | "account";

/** A role that this console does not know may do least. */
export function roleOf(me: Pick<Me, "role">): Role {
  if (me.role === "root" || me.role === "operator") return "operator";
  return me.role === "domain administrator" ? "domain" : "account";
}

export interface PageName {
  path: string;
  title: string;
  /** What it is called for who has only her own things. */
  own?: string;
  roles: readonly Role[];
  sink?: boolean;
  needsLogin?: boolean;
}

const all: readonly Role[] = ["operator", "domain", "account"];
const lookers: readonly Role[] = ["operator", "domain"];
const operators: readonly Role[] = ["operator"];

/** The rail, in its groups. */
export const groups: readonly (readonly PageName[])[] = [
  [
    { path: "today", title: "Today", roles: operators },
    { path: "me", title: "My account", roles: all, needsLogin: true },
  ],
  [
    { path: "trail", title: "Trail", own: "Sent and received", roles: all },
    { path: "queue", title: "Queue", own: "Held mail", roles: all },
    { path: "live", title: "Live", roles: operators },
  ],
  [
    { path: "deliverability", title: "Deliverability", roles: lookers },
    { path: "certificates", title: "Certificates", roles: operators },
    { path: "domains", title: "Domains", roles: lookers },
    { path: "accounts", title: "Accounts", roles: lookers },
  ],
  [
    { path: "hooks", title: "Hooks", roles: all },
    { path: "tokens", title: "Tokens", roles: all },
    { path: "suppressions", title: "Suppressed", roles: all },
    { path: "lists", title: "Lists", roles: operators },
    { path: "audit", title: "Audit", roles: operators },
    { path: "nodes", title: "Nodes", roles: operators },
    { path: "settings", title: "Settings", roles: operators },
  ],
  [{ path: "sink", title: "Sink", roles: all, sink: true }],
];

type Who = Pick<Me, "role" | "sink" | "login">;

export function mayOpen(page: PageName, me: Who): boolean {
  if (page.sink) return me.sink === true;
  if (me.role === "sink") return false;
  if (page.needsLogin && !me.login) return false;
  return page.roles.includes(roleOf(me));
}

/** The rail of who asks: groups without pages are left out. */
export const railOf = (me: Who): PageName[][] =>
  groups.map((group) => group.filter((page) => mayOpen(page, me))).filter((group) => group.length > 0);

/** Where who asks begins. */
export const homeOf = (me: Who): string => railOf(me)[0]?.[0]?.path ?? "trail";

export function pageAt(path: string): PageName | undefined {
  return groups.flat().find((page) => page.path === path);
}
