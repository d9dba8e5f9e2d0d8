// Tables that become blocks where there is no room.
import { type ReactNode } from "react";

export interface Column<T> {
  head: ReactNode;
  cell: (row: T) => ReactNode;
  num?: boolean;
  lead?: boolean;
  /** What stands before the value where there is no room for columns; without it the head, when that is text. */
  label?: string;
}

/** A table that becomes blocks where there is no room. The first column names the row. */
export function Table<T>({
  caption,
  columns,
  rows,
  keyOf,
  current,
  pick,
  gone,
}: {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  current?: string | undefined;
  gone?: (row: T) => boolean;
  pick?: { all: string; name: (row: T) => string; picked: ReadonlySet<string>; set: (picked: Set<string>) => void };
}) {
  const everyone = pick !== undefined && rows.length > 0 && rows.every((row) => pick.picked.has(keyOf(row)));
  const turn = (key: string): void => {
    if (!pick) return;
    const next = new Set(pick.picked);
    if (!next.delete(key)) next.add(key);
    pick.set(next);
  };
  const label = (column: Column<T>): string => column.label ?? (typeof column.head === "string" ? column.head : "");
  return (
    <div className="table-wrap">
      <table role="table" className="table table--stack">
        <caption className="sr">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {pick ? (
              <td role="cell" className="pick">
                <label>
                  <input
                    type="checkbox"
                    aria-label={pick.all}
                    checked={everyone}
                    onChange={() => pick.set(everyone ? new Set() : new Set(rows.map(keyOf)))}
                  />
                </label>
              </td>
            ) : null}
            {columns.map((column, at) => (
              <th key={at} role="columnheader" scope="col" className={column.num ? "num" : undefined}>
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => {
            const key = keyOf(row);
            return (
              <tr
                key={key}
                role="row"
                className={
                  key === current || pick?.picked.has(key) ? "is-current" : gone?.(row) ? "is-gone" : undefined
                }
              >
                {pick ? (
                  <td role="cell" className="pick">
                    <label>
                      <input
                        type="checkbox"
                        aria-label={pick.name(row)}
                        checked={pick.picked.has(key)}
                        onChange={() => turn(key)}
                      />
                    </label>
                  </td>
                ) : null}
                {columns.map((column, at) => {
                  const content = column.cell(row);
                  const empty = content === null || content === undefined || content === "" || content === false;
                  return at === 0 ? (
                    <th key={at} role="rowheader" scope="row">
                      {content}
                    </th>
                  ) : (
                    <td
                      key={at}
                      role="cell"
                      data-label={label(column) || undefined}
                      className={[column.num ? "num" : "", column.lead ? "lead" : ""].join(" ").trim() || undefined}
                    >
                      {empty ? null : <div>{content}</div>}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
