// The API as the console sees it: shapes of docs/api.md, and the one function that asks.

export type Level = "good" | "note" | "unknown" | "warning" | "wrong";
export type Time = string;

export interface Me {
  name: string;
  login?: string;
  role: string;
  domains: string[];
  scopes?: string[];
  totp?: boolean;
  recovery_codes?: number;
  sink?: boolean;
  two_factor_recommended?: boolean;
  hostname?: string;
}

export interface DnsRecord {
  name: string;
  type: string;
  value: string;
  zone: string;
  purpose: string;
}

/** What the doctor saw. */
export interface Symptom {
  level: Level;
  check: string;
  about: string;
  seen: string;
  means: string;
  advice: string;
  records: DnsRecord[];
}

export interface Step {
  check: string;
  label: string;
  domain: string;
  step: number;
  of: number;
  findings: Symptom[];
  next?: number;
  next_label?: string;
}

export interface Voice {
  code: number;
  status: string;
  text: string;
}

export interface Told {
  host: string;
  place: string;
  peer: Voice;
  own: Voice;
}

export interface Recipient {
  index: number;
  address: string;
  parent: number;
  state: string;
  destination: string;
  due: Time | null;
  attempts: number;
  last_reply: string;
  told?: Told;
  changed: Time | null;
  report_owed: string;
  reason: string;
  mailbox?: string;
  destination_error?: string;
  destination_until?: Time | null;
  hold?: string;
  /** Held, and to be released by who asks. */
  yours?: boolean;
}

export interface Message {
  id: string;
  class: string;
  sender: string;
  subject?: string;
  message_id?: string;
  envid: string;
  peer: string;
  account?: string;
  accepted: Time;
  expires: Time | null;
  tls: string;
  priority: number;
  hold_until: Time | null;
  size: number;
  recipients: Recipient[];
  /** One plain sentence a recipient. */
  words?: string[];
}

export interface TrailEvent {
  at: Time;
  kind: string;
  recipients: number[];
  detail: string;
  times: number;
}

export interface Trail extends Message {
  events: TrailEvent[];
  reports: string[];
}

export interface Refusal {
  at: Time;
  client: string;
  account: string;
  from: string;
  to: string;
  reply: string;
}

export interface Destination {
  destination: string;
  earliest_due: Time | null;
  backoff_until: Time | null;
  failures: number;
  last_error: string;
  waiting: number;
  oldest?: Time | null;
}

export interface Domain {
  name: string;
  display_name: string;
  owner: string | null;
  alias_of?: string;
}

export interface DkimKey {
  domain: string;
  selector: string;
  algorithm: string;
  bits?: number;
  state: "next" | "active" | "retired";
  created: Time;
  changed: Time;
  record?: DnsRecord;
}

export interface AppPassword {
  label: string;
  created: Time;
  used: Time | null;
  used_from: string;
}

export interface Limit {
  name: string;
  used: number;
  most: number;
  own: boolean;
  until: Time | null;
}

export interface Suspicion {
  login: string;
  since: Time;
  signal: string;
  reason: string;
  held: number;
}

export interface Account {
  login: string;
  disabled: boolean;
  has_password: boolean;
  quota: number;
  used: number;
  messages: number;
  created: Time;
  scram: boolean;
}

export interface LoginEvent {
  at: Time;
  address: string;
  protocol: string;
}

export interface AccountShown extends Account {
  addresses: string[];
  aliases: string[];
  owner_of: string[];
  limits: Limit[];
  app_passwords: AppPassword[];
  suspicion?: Suspicion;
  logins?: { failures: number; failed: LoginEvent[]; slowed: boolean; refused_until: Time | null; succeeded?: LoginEvent };
}

export interface Alias {
  address: string;
  account?: string;
  targets: string[];
  senders: string[];
}

export interface Right {
  login: string;
  role: string;
  domain?: string;
}

export interface Token {
  id: number;
  login: string;
  label: string;
  scopes: string[];
  domains: string[];
  networks: string[];
  created: Time;
  expires: Time | null;
  used: Time | null;
  used_from: string;
}

export interface Listed {
  what: string;
  reason: string;
  added: Time;
  expires: Time | null;
}

export interface Today {
  level: Level;
  sentence: string;
  findings: Omit<Symptom, "records">[];
  examined: Time | null;
  running: boolean;
  waiting: number;
  held: number;
  suspected: number;
  oldest: Time | null;
  failing: number;
  connections?: number;
  disk?: { free: number; size: number };
  certificates: { name: string; not_after: Time | null; problems: string[] }[];
}

export interface Hour {
  at: Time;
  accepted: number;
  delivered: number;
  relayed: number;
  deferred: number;
  failed: number;
  refused: number;
}

export interface Connection {
  id: number;
  direction: "in" | "out";
  protocol: string;
  role: string;
  peer: string;
  name: string;
  account: string;
  state: string;
  tls: string;
  since: Time;
  last_reply: string;
  destination: string;
}

export interface Transcript extends Connection {
  lines: { at: Time; who: "peer" | "us" | "note"; text: string }[];
  lost: number;
}

export interface Setting {
  key: string;
  value: string;
  default: string;
  line: number;
  restart: boolean;
  text: string;
}

export interface DmarcSummary {
  domain: string;
  reports: number;
  begin: Time;
  end: Time;
  policy: string;
  reporters: string[];
  messages: number;
  passed: number;
  senders: { source: string; author: string; messages: number; spf: number; dkim: number; passed: number; quarantined: number; refused: number }[];
  days: { day: string; messages: number; passed: number }[];
}

export interface TlsSummary {
  domain: string;
  reports: number;
  begin: Time;
  end: Time;
  reporters: string[];
  successes: number;
  failures: number;
  kinds: { kind: string; server: string; count: number; reason: string }[];
  days: { day: string; successes: number; failures: number }[];
}

export interface Server {
  protocol: string;
  host: string;
  port: number;
  tls: "implicit" | "starttls" | "none";
  user: string;
}

export interface AuditEntry {
  id: number | string;
  time: Time;
  who: string;
  role: string;
  from: string;
  action: string;
  on: string;
  result: string;
}

export interface Hook {
  id: number | string;
  login?: string;
  url: string;
  events: string[];
  domains: string[];
  state: string;
  failures?: number;
  last_error?: string;
  delivered_at?: Time | null;
  waiting?: boolean;
  secret?: string;
}

/** A problem of RFC 9457, or what stands for one when no server answered. */
export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  advice?: string;
  field?: string;
  /** Seconds until it may be asked again. */
  after?: number;
  /** "PATCH /v1/accounts/ann@example.org" */
  asked: string;
}

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

export const asProblem = (error: unknown, asked = ""): Problem =>
  error instanceof ApiError ? error.problem
    : { status: 0, code: "no_connection", title: "No connection", detail: "The server does not answer.", asked };

/** Whether this server does not have that action, or not for who asks. */
export const lacks = (problem: Problem | undefined): boolean =>
  problem !== undefined && [403, 404, 405, 501].includes(problem.status);

export const lost = (problem: Problem | undefined): boolean => problem?.code === "no_connection";

/** A name as one part of a path: "/" is "~1" and "~" is "~0" (docs/api.md). */
export const part = (name: string | number): string => encodeURIComponent(String(name).replace(/~/g, "~0").replace(/\//g, "~1"));

export type Query = Record<string, string | number | boolean | null | undefined>;

/** A path with its query; what is undefined, null, empty or false is left out, true is 1. */
export function at(path: string, query: Query = {}): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
    .map(([name, value]) => `${name}=${encodeURIComponent(value === true ? "1" : String(value))}`);
  return parts.length > 0 ? `${path}?${parts.join("&")}` : path;
}

// ---- Asking ----

let skew = 0;
/** What the server's clock says, as far as its answers told. */
export const serverNow = (): Date => new Date(Date.now() + skew);

let onLogout: (() => void) | undefined;
/** Who is told when the session has ended. */
export const whenLoggedOut = (heard: () => void): void => void (onLogout = heard);

export interface Answered<T> {
  body: T;
  etag: string | null;
}

export interface Asking {
  body?: unknown;
  etag?: string | null;
  signal?: AbortSignal;
  /** A page that logs in itself is not told that nobody is logged in. */
  quiet?: boolean;
}

function problemOf(text: string, response: Response, asked: string): Problem {
  let said: Partial<Problem> = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed && typeof parsed === "object") said = parsed as Partial<Problem>;
  } catch {
    // Not ours: a proxy's page, whose words say nothing here.
  }
  const after = Number(response.headers.get("Retry-After"));
  return {
    status: response.status,
    code: said.code ?? `status ${response.status}`,
    title: said.title ?? response.statusText,
    detail: said.detail ?? `The server answered ${response.status}.`,
    ...(said.advice ? { advice: said.advice } : {}),
    ...(said.field ? { field: said.field } : {}),
    ...(after > 0 ? { after } : {}),
    asked,
  };
}

/** Asks the server. Throws ApiError; an AbortError when `signal` gave it up. */
export async function ask<T>(method: string, path: string, asking: Asking = {}): Promise<Answered<T>> {
  const asked = `${method} ${path.split("?")[0]}`;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (asking.body !== undefined) headers["Content-Type"] = "application/json";
  if (asking.etag) headers["If-Match"] = asking.etag;
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      ...(asking.body !== undefined ? { body: JSON.stringify(asking.body) } : {}),
      ...(asking.signal ? { signal: asking.signal } : {}),
    });
    text = await response.text();
  } catch (error) {
    if (asking.signal?.aborted) throw error;
    throw new ApiError(asProblem(error, asked));
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  // The header has whole seconds: smaller differences say nothing.
  if (!Number.isNaN(date) && Math.abs(date - Date.now()) > 2000) skew = date - Date.now();
  else if (!Number.isNaN(date)) skew = 0;
  if (!response.ok) {
    const problem = problemOf(text, response, asked);
    if (problem.status === 401 && !asking.quiet) onLogout?.();
    throw new ApiError(problem);
  }
  try {
    return { body: (text ? JSON.parse(text) : {}) as T, etag: response.headers.get("ETag") };
  } catch {
    throw new ApiError({ status: 502, code: "no JSON", title: "Not understood", detail: "What answered is not this server.", asked });
  }
}

export const get = async <T>(path: string, signal?: AbortSignal): Promise<T> =>
  (await ask<T>("GET", path, signal ? { signal } : {})).body;

export const act = async <T>(method: string, path: string, body?: unknown, etag?: string | null): Promise<T> =>
  (await ask<T>(method, path, { body, etag: etag ?? null })).body;

/** Text that is not JSON, at most `most` characters of it; and whether there is more. */
export async function getText(path: string, most: number, signal?: AbortSignal): Promise<{ text: string; more: boolean }> {
  let response: Response;
  let whole: string;
  try {
    response = await fetch(path, { credentials: "same-origin", redirect: "error", ...(signal ? { signal } : {}) });
    whole = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(asProblem(error, `GET ${path}`));
  }
  if (!response.ok) throw new ApiError(problemOf(whole, response, `GET ${path}`));
  return { text: whole.slice(0, most), more: whole.length > most };
}
