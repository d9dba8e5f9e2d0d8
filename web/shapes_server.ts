// Shapes of the API about the running server itself: certificates, sessions, traffic, settings, nodes.
import type { DnsRecord, Time } from "./shapes";

/** A key of a certificate; `record` where the zone is signed. */
export interface TlsKey {
  state: "active" | "next";
  created: Time;
  digest: string;
  record?: DnsRecord;
}

/** A certificate that is ordered. */
export interface Certificate {
  name: string;
  state: string;
  authority: string;
  issued: Time | null;
  not_after: Time | null;
  renew_at: Time | null;
  ordered: boolean;
  failures: number;
  again_at: Time | null;
  error: string;
  rotation_wanted: boolean;
  records_seen_since: Time | null;
  rotates_at: Time | null;
  signed_zone: boolean;
  keys: TlsKey[];
}

/** A browser in which somebody is logged in. */
export interface Session {
  id: string;
  created: Time;
  used: Time | null;
  from: string;
  current: boolean;
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

/** A server that works on the store; `silent_ms`: since it last said that it lives. */
export interface ClusterNode {
  name: string;
  own: boolean;
  epoch: number;
  version: string;
  since: Time;
  silent_ms: number;
  drained: boolean;
}

export interface StoreFacts {
  kind: string;
  size: number;
  waiting: number;
  in_hand: number;
  held: number;
  oldest_due: Time | null;
  locks: number;
  leases: { work: string; node: string; left_ms: number }[];
  copies: { name: string; state: string; wait: string; behind: number }[];
}
