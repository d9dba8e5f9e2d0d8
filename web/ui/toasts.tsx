// What was done, with the way back if there is one. Never for errors.
import { useEffect, useSyncExternalStore } from "react";

export interface Toast {
  id: number;
  text: string;
  undo?: { label: string; run: () => void };
}

let toasts: readonly Toast[] = [];
let last = 0;
const watchers = new Set<() => void>();

function become(next: readonly Toast[]): void {
  toasts = next;
  watchers.forEach((heard) => heard());
}

/** Says what was done. The newest three stay. */
export function say(text: string, undo?: Toast["undo"]): void {
  become([...toasts.slice(-2), { id: ++last, text, ...(undo ? { undo } : {}) }]);
}

const drop = (id: number): void => become(toasts.filter((one) => one.id !== id));

function One({ toast }: { toast: Toast }) {
  useEffect(() => {
    if (toast.undo) return;
    const timer = setTimeout(() => drop(toast.id), 6000);
    return () => clearTimeout(timer);
  }, [toast]);
  return (
    <p className="toast">
      <bdi>{toast.text}</bdi>
      {toast.undo ? (
        <>
          <button
            className="btn btn--small"
            type="button"
            onClick={() => {
              toast.undo?.run();
              drop(toast.id);
            }}
          >
            {toast.undo.label}
          </button>
          <button className="btn btn--small btn--quiet" type="button" onClick={() => drop(toast.id)}>
            Hide
          </button>
        </>
      ) : null}
    </p>
  );
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (heard) => {
      watchers.add(heard);
      return () => watchers.delete(heard);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status">
      {shown.map((one) => (
        <One key={one.id} toast={one} />
      ))}
    </div>
  );
}
