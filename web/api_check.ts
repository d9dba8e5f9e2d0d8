// Never bundled: compared by TypeScript's checker with what `paquebot api --types` tells (web/CMakeLists.txt), so that the
// shapes of api.ts are those of the server.
import type * as mine from "./api";
import type { Actions } from "paquebot-api";

/** Both without null, in all depths: api.ts has times as text where they are always there. */
type Solid<T> = T extends null
  ? never
  : T extends (infer U)[]
    ? Solid<U>[]
    : T extends object
      ? { [K in keyof T]: Solid<T[K]> }
      : T;
type Answer<Id extends keyof Actions> = Solid<Actions[Id]["answer"]>;
type Fits<Told extends Ours, Ours> = [Told, Ours];

export type Checks = [
  Fits<Answer<"me.show">, Solid<mine.Me>>,
  Fits<Answer<"today.show">, Solid<mine.Today>>,
  Fits<Answer<"traffic.show">, { hours: Solid<mine.Hour>[] }>,
  Fits<Answer<"queue.list">, { messages: Solid<mine.Message>[]; next?: string }>,
  Fits<Answer<"trail.show">, Solid<mine.Trail>>,
  Fits<
    Answer<"trail.find">,
    { messages: Solid<mine.Message>[]; refusals?: Solid<mine.Refusal>[]; next?: string; back_to?: string }
  >,
  Fits<Answer<"destination.list">, { destinations: Solid<mine.Destination>[]; next?: string }>,
  Fits<Answer<"queue.count">, { messages: number; recipients: number; senders: number; more: boolean }>,
  Fits<Answer<"queue.suspended">, { suspensions: Solid<mine.Suspension>[]; next?: string }>,
  Fits<Answer<"queue.suspend">, { whose: string; recipients: number }>,
  Fits<Answer<"queue.resume">, { whose: string; recipients: number }>,
  Fits<Answer<"held.release">, { recipients: number }>,
  Fits<Answer<"held.drop">, { recipients: number }>,
  Fits<Answer<"connection.list">, { connections: Solid<mine.Connection>[]; next?: string }>,
  Fits<Answer<"connection.show">, Solid<mine.Transcript>>,
  Fits<Answer<"doctor.server">, Solid<mine.Step>>,
  Fits<Answer<"doctor.domain">, Solid<mine.Step>>,
  Fits<Answer<"certificate.list">, { certificates: Solid<mine.Certificate>[] }>,
  Fits<Answer<"node.list">, { nodes: Solid<mine.ClusterNode>[] }>,
  Fits<Answer<"store.show">, Solid<mine.StoreFacts>>,
  Fits<Answer<"session.list">, { sessions: Solid<mine.Session>[]; next?: string }>,
  Fits<Answer<"domain.list">, { domains: Solid<mine.Domain>[]; next?: string }>,
  Fits<Answer<"domain.dns">, { hostname: string; records: Solid<mine.DnsRecord>[] }>,
  Fits<Answer<"dkim.list">, { keys: Solid<mine.DkimKey>[] }>,
  Fits<Answer<"report.dmarc_summary">, { domains: Solid<mine.DmarcSummary>[]; skipped: number }>,
  Fits<Answer<"report.tls_summary">, { domains: Solid<mine.TlsSummary>[]; skipped: number }>,
  Fits<Answer<"account.list">, { accounts: Solid<mine.Account>[]; next?: string }>,
  Fits<Answer<"account.show">, Solid<mine.AccountShown>>,
  Fits<Answer<"account.setup">, { servers: Solid<mine.Server>[] }>,
  Fits<Answer<"account.profile">, { type: string; profile: string }>,
  Fits<Answer<"doctor.account">, { findings: Solid<mine.Symptom>[] }>,
  Fits<
    Answer<"attempt.list">,
    {
      findings: Solid<mine.Symptom>[];
      last: number;
      last_login?: Solid<mine.LoginEvent>;
      refusals: Solid<mine.Refusal>[];
    }
  >,
  Fits<Answer<"limit.list">, { limits: Solid<mine.Limit>[] }>,
  Fits<Answer<"app_password.list">, { app_passwords: Solid<mine.AppPassword>[]; next?: string }>,
  Fits<Answer<"app_password.add">, { label: string; password: string }>,
  Fits<Answer<"suspicion.list">, { suspicions: Solid<mine.Suspicion>[]; next?: string }>,
  Fits<Answer<"address.resolve">, Solid<mine.Resolved>>,
  Fits<Answer<"alias.list">, { aliases: Solid<mine.Alias>[]; next?: string }>,
  Fits<Answer<"right.list">, { rights: Solid<mine.Right>[]; next?: string }>,
  Fits<Answer<"token.list">, { tokens: Solid<mine.Token>[]; next?: string }>,
  Fits<Answer<"list.show">, { entries: Solid<mine.Listed>[]; next?: string }>,
  Fits<Answer<"suppression.list">, { suppressions: Solid<mine.Suppression>[]; next?: string }>,
  Fits<Answer<"hook.list">, { hooks: Solid<mine.Hook>[]; next?: string }>,
  Fits<Answer<"hook.add">, Solid<mine.Hook> & { secret: string }>,
  Fits<Answer<"audit.list">, { entries: Solid<mine.AuditEntry>[]; next?: string }>,
  Fits<Answer<"second_factor.begin">, { secret: string; uri: string }>,
  Fits<Answer<"second_factor.confirm">, { recovery: string[] }>,
  Fits<Answer<"account.reset_link">, { url: string; expires: string }>,
  Fits<Answer<"message.content">, Solid<mine.Content>>,
  Fits<Answer<"setting.list">, { settings: Solid<mine.Setting>[]; next?: string }>,
];
