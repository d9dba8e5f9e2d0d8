// The sink's shapes: Mailpit's paths, and ours beside them (docs/testing.md).

export interface Named {
  Name: string;
  Address: string;
}

export interface SinkInbox {
  name: string;
  messages: number;
  unread: number;
  octets: number;
  last: string | null;
}

export interface SinkRow {
  ID: string;
  Read: boolean;
  From: Named | null;
  To: Named[] | null;
  Subject: string;
  Created: string;
  Size: number;
  Attachments: number;
}

export interface SinkList {
  total: number;
  unread: number;
  messages_count: number;
  start: number;
  messages: SinkRow[];
}

export interface SinkFile {
  PartID: string;
  FileName: string;
  ContentType: string;
  Size: number;
}

export interface SinkMessage {
  ID: string;
  From: Named | null;
  To: Named[] | null;
  Cc: Named[] | null;
  Subject: string;
  Text: string;
  HTML: string;
  Size: number;
  Attachments: SinkFile[] | null;
  Inline: SinkFile[] | null;
  Received?: string;
  Envelope?: { From: string; To: string[]; Helo: string; Client: string };
  TLS?: string;
  Inboxes?: string[];
  Links?: string[];
  Codes?: string[];
  RemotePictures?: number;
}

export interface Fault {
  id: string | number;
  at: string;
  does: string;
  when?: string;
  said?: string;
  hits?: number;
}

export interface SinkInfo {
  SMTP?: string[];
  POP3?: string[];
  MostMessages?: number;
  MostDays?: number;
}

/** Where the API of one inbox is; of all without a name. */
export const baseOf = (inbox: string): string => (inbox ? `/inbox/${encodeURIComponent(inbox)}` : "");

export const people = (list: readonly Named[] | null | undefined): string =>
  (list ?? []).map((one) => (one.Name ? `${one.Name} <${one.Address}>` : one.Address)).join(", ");
