// One stream of events for the whole console. Where there is none, pages ask every 15 seconds.
import { useEffect, useRef, useSyncExternalStore } from "react";
import { serverNow } from "./api";

export const eventNames = [
  "message.accepted",
  "message.received",
  "message.delivered",
  "message.relayed",
  "message.deferred",
  "message.failed",
  "message.bounced",
  "message.complained",
  "message.expanded",
  "message.held",
  "message.released",
  "message.dropped",
  "message.suppressed",
  "account.suspected",
  "account.limit_reached",
  "domain.dns_changed",
  "certificate.renewed",
  "certificate.failed",
  "destination.failed",
  "gap",
] as const;

export interface LiveState {
  /** "live": by the stream; "asking": every 15 s; "lost": no connection; "paused": by the reader. */
  is: "live" | "asking" | "lost" | "paused";
  since: Date;
}

const pollEvery = 15_000;
const atMostEach = 3_000;
const streamAgain = 60_000;

let state: LiveState = { is: "asking", since: new Date() };
const watchers = new Set<() => void>();
const hearers = new Set<(name: string) => void>();
let source: EventSource | undefined;
let again: ReturnType<typeof setTimeout> | undefined;

function become(is: LiveState["is"]): void {
  if (state.is === is) return;
  state = { is, since: serverNow() };
  watchers.forEach((heard) => heard());
}

const tell = (name: string): void => {
  if (state.is !== "paused") hearers.forEach((heard) => heard(name));
};

function listen(): void {
  clearTimeout(again);
  if (source || state.is === "paused" || document.visibilityState === "hidden" || typeof EventSource === "undefined")
    return;
  const stream = new EventSource("/v1/events");
  source = stream;
  stream.onopen = () => {
    if (state.is !== "paused") become("live");
    tell("gap");
  };
  stream.onerror = () => {
    if (source !== stream) return;
    if (stream.readyState === EventSource.CLOSED) {
      // Refused: this server has no stream, or not for who asks.
      source = undefined;
      if (state.is === "live") become("asking");
      again = setTimeout(listen, streamAgain);
    } else if (state.is === "live") {
      become("asking");
    }
  };
  for (const name of eventNames) stream.addEventListener(name, () => tell(name));
}

function silence(): void {
  clearTimeout(again);
  source?.close();
  source = undefined;
  if (state.is === "live") become("asking");
}

/** Begins with the session, ends with it. */
export function begin(): () => void {
  const seen = (): void => {
    if (document.visibilityState === "hidden") {
      silence();
    } else {
      listen();
      tell("gap");
    }
  };
  document.addEventListener("visibilitychange", seen);
  listen();
  return () => {
    document.removeEventListener("visibilitychange", seen);
    silence();
  };
}

export function pause(on: boolean): void {
  if (on) {
    silence();
    become("paused");
  } else {
    become("asking");
    listen();
    tell("gap");
  }
}

/** An answer came, or none: told by who asks. */
export function heardFromServer(answered: boolean): void {
  if (state.is === "paused") return;
  if (!answered) become("lost");
  else if (state.is === "lost") become(source?.readyState === 1 ? "live" : "asking");
}

export const useLive = (): LiveState =>
  useSyncExternalStore(
    (heard) => {
      watchers.add(heard);
      return () => watchers.delete(heard);
    },
    () => state,
  );

/**
 * Calls `reload` when something happened that concerns the page: at most each `least` milliseconds, and every
 * 15 s without a stream.
 */
export function useRefresh(
  reload: () => void,
  concerns: (name: string) => boolean = () => true,
  every = pollEvery,
  least = atMostEach,
): void {
  const latest = useRef({ reload, concerns });
  latest.current = { reload, concerns };
  useEffect(() => {
    let last = Date.now();
    let later: ReturnType<typeof setTimeout> | undefined;
    const run = (): void => {
      later = undefined;
      last = Date.now();
      if (state.is !== "paused" && document.visibilityState !== "hidden") latest.current.reload();
    };
    const soon = (name: string): void => {
      if (name !== "gap" && !latest.current.concerns(name)) return;
      later ??= setTimeout(run, Math.max(100, last + least - Date.now()));
    };
    const timer = setInterval(() => {
      // A live stream tells of mail; what it does not tell of (ages, sessions) is asked for anyway, less often.
      if (state.is !== "live" || every < pollEvery || Date.now() - last > 4 * pollEvery) run();
    }, every);
    hearers.add(soon);
    return () => {
      hearers.delete(soon);
      clearInterval(timer);
      clearTimeout(later);
    };
  }, [every, least]);
}
