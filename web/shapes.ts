// Shapes of the API (docs/api.md), as far as the console reads them. api_check.ts compares them with the server's.

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

/** What an operator has suspended. */
export interface Suspension {
  of: "account" | "domain" | "site";
  whose: string;
  since: Time;
  until: Time | null;
  by: string;
  reason: string;
  state: "holds" | "ending";
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
  /** The class of what was not taken. */
  bounce?: string;
  /** Where it happened, where several nodes work on one database. */
  node?: string;
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
  /** When the one that waits longest was accepted. */
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
  logins?: {
    failures: number;
    failed: LoginEvent[];
    slowed: boolean;
    refused_until: Time | null;
    succeeded?: LoginEvent;
  };
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

/** An address that programs send nothing to any more. */
export interface Suppression {
  id: number;
  address: string;
  scope: "server" | "domain" | "account";
  of: string;
  reason: string;
  message: string;
  reply: string;
  since: Time;
  until: Time | null;
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

export interface DmarcSummary {
  domain: string;
  reports: number;
  begin: Time;
  end: Time;
  policy: string;
  reporters: string[];
  messages: number;
  passed: number;
  senders: {
    source: string;
    author: string;
    messages: number;
    spf: number;
    dkim: number;
    passed: number;
    quarantined: number;
    refused: number;
  }[];
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

/** What is in a message. */
export interface Content {
  from: string;
  to: string;
  cc: string;
  subject: string;
  date: string;
  text: string;
  /** The text is only the beginning. */
  cut: boolean;
  html: boolean;
  attachments: { part: string; name: string; type: string; octets: number }[];
}

/** Where mail for an address would go, or why it would be refused. */
export interface Resolved {
  address: string;
  leads_to: { address: string; how: string; account?: string; why?: string }[];
  problem?: string;
}
