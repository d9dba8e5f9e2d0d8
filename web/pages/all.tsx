// Which component is which page.
import type { ComponentType } from "react";
import type { Me } from "../api";
import { mayOpen, pageAt } from "../words";
import { AccountsPage } from "./accounts";
import { AuditPage } from "./audit";
import { CertificatesPage } from "./certificates";
import { DeliverabilityPage } from "./deliverability";
import { DomainsPage } from "./domains";
import { HooksPage } from "./hooks";
import { ListsPage } from "./lists";
import { LivePage } from "./live";
import { MePage } from "./me";
import { NodesPage } from "./nodes";
import type { PageProps } from "./page";
import { QueuePage } from "./queue";
import { SettingsPage } from "./settings";
import { SinkPage } from "./sink";
import { SuppressionsPage } from "./suppressions";
import { TodayPage } from "./today";
import { TokensPage } from "./tokens";
import { TrailPage } from "./trail";

const bodies: Record<string, ComponentType<PageProps>> = {
  today: TodayPage,
  trail: TrailPage,
  queue: QueuePage,
  live: LivePage,
  deliverability: DeliverabilityPage,
  certificates: CertificatesPage,
  domains: DomainsPage,
  accounts: AccountsPage,
  me: MePage,
  hooks: HooksPage,
  tokens: TokensPage,
  suppressions: SuppressionsPage,
  lists: ListsPage,
  audit: AuditPage,
  nodes: NodesPage,
  settings: SettingsPage,
  sink: SinkPage,
};

export function pageOf(path: string, me: Me): { title: string; body: ComponentType<PageProps> } | undefined {
  const page = pageAt(path);
  const body = Object.hasOwn(bodies, path) ? bodies[path] : undefined;
  return page && body && mayOpen(page, me) ? { title: page.title, body } : undefined;
}
