// Asking, changing, pages by cursor and live lists, as hooks.
import { type FocusEvent, type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { ApiError, type Problem, asProblem, ask, at, lost, serverNow, type Query } from "../api";
import { heardFromServer } from "../live";
import { type Row, type Shown, merge } from "../rows";

export interface Asked<T> {
  data: T | undefined;
  etag: string | null;
  problem: Problem | undefined;
  /** It takes longer than 400 ms, and there is nothing to show meanwhile. */
  slow: boolean;
  busy: boolean;
  /** When `data` was so. */
  when: Date | undefined;
  reload: () => void;
}

interface Held<T> {
  path: string | null;
  data?: T;
  etag: string | null;
  problem?: Problem | undefined;
  when?: Date;
}

/** What a path answers. `null` asks nothing. `keep`: another path's answer stays until the new one is there. */
export function useAsk<T>(path: string | null, keep = false): Asked<T> {
  const [held, setHeld] = useState<Held<T>>({ path, etag: null });
  const [turn, setTurn] = useState(0);
  const [slow, setSlow] = useState(false);
  const [busy, setBusy] = useState(false);
  // An answer that takes long is waited for, however often it is asked for meanwhile; then it is asked for once more.
  const under = useRef({ way: false, again: false });
  useEffect(() => {
    if (path === null) return;
    const giveUp = new AbortController();
    const timer = setTimeout(() => setSlow(true), 400);
    under.current = { way: true, again: false };
    setBusy(true);
    const ended = (): void => {
      clearTimeout(timer);
      setSlow(false);
      setBusy(false);
      if (under.current.again) setTurn((n) => n + 1);
      under.current = { way: false, again: false };
    };
    ask<T>("GET", path, { signal: giveUp.signal }).then(
      ({ body, etag }) => {
        ended();
        heardFromServer(true);
        setHeld({ path, data: body, etag, when: serverNow() });
      },
      (error: unknown) => {
        if (giveUp.signal.aborted) return;
        ended();
        const problem = asProblem(error, `GET ${path.split("?")[0]}`);
        heardFromServer(!lost(problem));
        // What was seen stays when there is no connection; what is gone is gone.
        setHeld((was) =>
          lost(problem) && (was.path === path || keep) ? { ...was, path, problem } : { path, etag: null, problem },
        );
      },
    );
    return () => {
      giveUp.abort();
      clearTimeout(timer);
      under.current = { way: false, again: false };
    };
  }, [path, turn, keep]);
  const reload = useCallback(() => {
    if (under.current.way) under.current.again = true;
    else setTurn((n) => n + 1);
  }, []);
  const fits = path !== null && (held.path === path || keep);
  return {
    data: fits ? held.data : undefined,
    etag: fits ? held.etag : null,
    problem: held.path === path ? held.problem : undefined,
    slow: slow && !(fits && held.data !== undefined),
    busy,
    when: fits ? held.when : undefined,
    reload,
  };
}

export interface Doing {
  busy: boolean;
  problem: Problem | undefined;
  /** Runs it unless something runs; true when it went well. Its problem is kept to be shown. */
  run: (what: () => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
}

export function useDoing(): Doing {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const running = useRef(false);
  const run = useCallback(async (what: () => Promise<unknown>) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    try {
      await what();
      setProblem(undefined);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      setProblem(asProblem(error));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  return { busy, problem, run, clear: useCallback(() => setProblem(undefined), []) };
}

export interface Paged<T> extends Asked<Record<string, unknown>> {
  items: T[] | undefined;
  /** Number of the page, from 1. */
  page: number;
  next: (() => void) | undefined;
  first: (() => void) | undefined;
  back: (() => void) | undefined;
}

/**
 * One page of a list, by cursor: only the page that is shown is held, however long the list is. Another query begins
 * anew. `from` is a cursor to begin behind.
 */
export function usePages<T>(path: string | null, field: string, query: Query = {}, limit = 100, from = ""): Paged<T> {
  const base = path === null ? "" : `${at(path, query)} ${from}`;
  const begin = from ? [from] : [];
  const [trail, setTrail] = useState<{ base: string; cursors: string[] }>({ base, cursors: begin });
  const cursors = trail.base === base ? trail.cursors : begin;
  const after = cursors[cursors.length - 1];
  const asked = useAsk<Record<string, unknown>>(
    path === null ? null : at(path, { ...query, limit, ...(after ? { after } : {}) }),
    true,
  );
  const next = asked.data?.["next"];
  const move = (to: string[]) => () => setTrail({ base, cursors: to });
  return {
    ...asked,
    items: asked.data?.[field] as T[] | undefined,
    page: cursors.length + 1 - begin.length,
    next: typeof next === "string" || typeof next === "number" ? move([...cursors, String(next)]) : undefined,
    back: cursors.length > begin.length ? move(cursors.slice(0, -1)) : undefined,
    first: cursors.length > begin.length + 1 ? move(begin) : undefined,
  };
}

export interface LiveRows<T> {
  rows: Row<T>[];
  waiting: number;
  showNew: () => void;
  /** For the element around the list. */
  watch: {
    ref: RefObject<HTMLDivElement>;
    onPointerLeave: () => void;
    onBlur: (event: FocusEvent<HTMLElement>) => void;
  };
}

/**
 * A list whose rows stay where they are while the pointer, the focus or a pick is in it. `list` names which
 * list it is.
 */
export function useLiveRows<T>(
  fresh: readonly T[] | undefined,
  keyOf: (value: T) => string,
  picked: number,
  list: string,
): LiveRows<T> {
  const [shown, setShown] = useState<Shown<T>>({ rows: [], waiting: 0 });
  const ref = useRef<HTMLDivElement>(null);
  const latest = useRef({ fresh, keyOf, picked, list });
  const another = latest.current.list !== list;
  latest.current = { fresh, keyOf, picked, list };
  // Asked of the document itself: an element that is taken away while it has the focus tells nobody.
  const busy = (): boolean => {
    const element = ref.current;
    return (
      latest.current.picked > 0 ||
      (element !== null && (element.contains(document.activeElement) || element.matches(":hover")))
    );
  };
  const show = useCallback((keep: boolean) => {
    const { fresh: now, keyOf: key } = latest.current;
    setShown((was) => merge(was.rows, now ?? [], key, keep));
  }, []);
  useEffect(() => show(!another && busy()), [fresh, another, show]);
  useEffect(() => {
    if (picked === 0 && !busy()) show(false);
  }, [picked, show]);
  return {
    ...shown,
    showNew: () => show(false),
    watch: {
      ref,
      onPointerLeave: () => {
        if (!busy()) show(false);
      },
      onBlur: (event) => {
        if (
          latest.current.picked === 0 &&
          !event.currentTarget.contains(event.relatedTarget) &&
          !event.currentTarget.matches(":hover")
        )
          show(false);
      },
    },
  };
}
