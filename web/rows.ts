// Lists that change while they are looked at. A row that is hovered, has the focus or is picked must not move or leave.

export interface Row<T> {
  key: string;
  value: T;
  /** It is no longer in the list, and stays until nobody looks at the list. */
  gone: boolean;
}

export interface Shown<T> {
  rows: Row<T>[];
  /** What came since and waits behind "Show 3 new". */
  waiting: number;
}

const asRow = <T>(value: T, key: string): Row<T> => ({ key, value, gone: false });

/**
 * What is shown once `fresh` has come. While the list is `busy` (pointer, focus or picks are in it) rows keep their
 * places: they change in place, those that went stay and are marked, new ones wait. Otherwise the fresh list is shown.
 * A key that comes twice counts once.
 */
export function merge<T>(
  shown: readonly Row<T>[],
  fresh: readonly T[],
  keyOf: (value: T) => string,
  busy: boolean,
): Shown<T> {
  const news = new Map<string, T>();
  for (const value of fresh) if (!news.has(keyOf(value))) news.set(keyOf(value), value);
  if (!busy || shown.length === 0) return { rows: [...news].map(([key, value]) => asRow(value, key)), waiting: 0 };
  const rows = shown.map((row) => {
    const now = news.get(row.key);
    news.delete(row.key);
    return now === undefined ? { ...row, gone: true } : asRow(now, row.key);
  });
  return { rows, waiting: news.size };
}

/** Picks that are still there: what left the list is not acted upon. */
export const kept = <T>(picked: ReadonlySet<string>, rows: readonly Row<T>[]): Set<string> =>
  new Set(rows.filter((row) => !row.gone && picked.has(row.key)).map((row) => row.key));
