// Which component is which page.
import type { ComponentType } from "react";
import type { Me } from "../api";
import { mayOpen, pageAt } from "../words";
import type { PageProps } from "./page";
import { QueuePage } from "./queue";
import { TodayPage } from "./today";
import { TrailPage } from "./trail";

const bodies: Record<string, ComponentType<PageProps>> = {
  today: TodayPage,
  trail: TrailPage,
  queue: QueuePage,
};

export function pageOf(path: string, me: Me): { title: string; body: ComponentType<PageProps> } | undefined {
  const page = pageAt(path);
  const body = bodies[path];
  return page && body && mayOpen(page, me) ? { title: page.title, body } : undefined;
}
