// The small components of every page.
import { levelOf } from "../words";
import { Fragment, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type Problem, type Symptom, lacks, lost, serverNow } from "../api";
import { apart, when } from "../format";
import { type State } from "../words";
import type { Asked, Paged } from "./hooks";

/** Shape, word, colour. */
export function Mark({ is, word, chip }: State & { chip?: boolean }) {
  return (
    <span className={chip ? "state state--chip" : "state"} data-is={is}>
      {word}
    </span>
  );
}

/** A moment of the server, in UTC. */
export function Time({ at, seconds, away }: { at: string | null | undefined; seconds?: boolean; away?: boolean }) {
  if (!at) return <>never</>;
  const time = new Date(at);
  if (Number.isNaN(time.getTime())) return <bdi>{at}</bdi>;
  const now = serverNow();
  return <time dateTime={at}>{away ? apart(time, now) : when(time, now, seconds)}</time>;
}

/** Another's words, as text. */
export function Said({ children, inline }: { children: ReactNode; inline?: boolean }) {
  return (
    <q className={inline ? "said said--inline" : "said"}>
      <bdi>{children}</bdi>
    </q>
  );
}

export function Sentence({
  state,
  main,
  why,
  small,
  label,
  children,
}: {
  state: State;
  main: ReactNode;
  why?: ReactNode;
  small?: boolean;
  label: string;
  children?: ReactNode;
}) {
  return (
    <section className={small ? "sentence sentence--small" : "sentence"} aria-label={label}>
      <Mark {...state} />
      <p className="sentence__main">{main}</p>
      {why ? <p className="sentence__why">{why}</p> : null}
      {children}
    </section>
  );
}

export function Empty({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <p className="empty">
      <b>{title}</b> {children}
    </p>
  );
}

export const Loading = ({ what }: { what: string }) => (
  <p className="loading" role="status">
    Asking the server for {what}…
  </p>
);

/** A problem at its place. What this server does not have is said quietly: it is nobody's fault. */
export function Trouble({
  problem,
  title,
  again,
  what,
}: {
  problem: Problem | undefined;
  title?: string;
  again?: () => void;
  what?: string;
}) {
  if (!problem) return null;
  if (what && lacks(problem)) {
    return (
      <p className="empty">
        <b>This server does not tell {what}.</b> It answered: <bdi>{problem.detail}</bdi>
      </p>
    );
  }
  const gone = lost(problem);
  return (
    <div className="problem" role="alert">
      <Mark is="bad" word={gone ? "No connection" : (title ?? "Not done")} />
      <p>
        <bdi>{problem.detail}</bdi>
        {problem.advice ? (
          <>
            {" "}
            <bdi>{problem.advice}</bdi>
          </>
        ) : null}
        {problem.after ? ` It can be asked again in ${problem.after} s.` : null}
        {gone ? (
          <>
            {" "}
            What you see is of before. It is asked again; on the machine, <code>systemctl status paquebot</code> says
            more.
          </>
        ) : null}
      </p>
      <p className="actions">
        {again ? (
          <button className="btn btn--small" type="button" onClick={again}>
            Ask again
          </button>
        ) : null}{" "}
        <span className="help mono">
          {problem.code}
          {problem.asked ? `, ${problem.asked}` : ""}
        </span>
      </p>
    </div>
  );
}

/** What a page shows of an answer: it, or why it is not there. What was there before stays. */
export function Answer<T>({ of, what, children }: { of: Asked<T>; what: string; children: (data: T) => ReactNode }) {
  return (
    <>
      {of.problem ? <Trouble problem={of.problem} what={what} again={of.reload} /> : null}
      {of.data !== undefined ? children(of.data) : of.slow ? <Loading what={what} /> : null}
    </>
  );
}

/** `further`: what the next page is called where this one is empty. */
export function Pager({ of, name, further }: { of: Paged<unknown>; name: string; further?: string | undefined }) {
  if (!of.next && !of.back) return null;
  return (
    <nav className="actions pager" aria-label={`Pages of ${name}`}>
      {of.first ? (
        <button className="btn btn--small" type="button" onClick={of.first}>
          First page
        </button>
      ) : null}
      {of.back ? (
        <button className="btn btn--small" type="button" onClick={of.back}>
          Back
        </button>
      ) : null}
      <span className="small quiet" role="status">
        Page {of.page}
      </span>
      {of.next ? (
        <button className="btn btn--small" type="button" onClick={of.next}>
          {further ?? "Next page"}
        </button>
      ) : null}
    </nav>
  );
}

/** Copies the line exactly. */
export function Copy({ text, what, label = "Copy" }: { text: string; what: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setCopied(false), 2000);
    } catch {
      // Without https the browser does not let pages copy: the text can be selected.
    }
  };
  return (
    <div className="copy">
      <code>{text}</code>
      <button className="btn btn--small" type="button" onClick={copy}>
        {copied ? "Copied" : label}
        <span className="sr"> {what}</span>
      </button>
    </div>
  );
}

/** Terms and what is known; what is empty is left out. */
export function Facts({ of }: { of: readonly (readonly [string, ReactNode, string?])[] }) {
  return (
    <dl className="facts">
      {of
        .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
        .map(([term, value, kind]) => (
          <Fragment key={term}>
            <dt>{term}</dt>
            <dd className={kind}>{value}</dd>
          </Fragment>
        ))}
    </dl>
  );
}

/** A share of a whole, as a bar. It stands beside its number. */
export function Bar({ part, whole }: { part: number; whole: number }) {
  const percent = whole > 0 ? Math.min(100, (part / whole) * 100) : 0;
  const kind = percent >= 100 ? "bar bar--over" : percent >= 80 ? "bar bar--near" : "bar";
  return (
    <svg className={kind} viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
      <rect width={percent} height="1" />
    </svg>
  );
}

export function Lock({ kind, children }: { kind: "checked" | "unchecked" | "open"; children: ReactNode }) {
  return (
    <p className="safe small">
      <svg className={kind === "checked" ? "lock" : `lock lock--${kind}`} viewBox="0 0 12 12" aria-hidden="true">
        <path d={kind === "open" ? "M3.5 6V3.2a2.5 2.5 0 0 1 4.6-1.3" : "M3.5 6V4a2.5 2.5 0 0 1 5 0v2"} />
        <rect className={kind === "checked" ? "body" : undefined} x="2.4" y="6" width="7.2" height="5" rx="1" />
      </svg>
      <span>{children}</span>
    </p>
  );
}

/** What the doctor found: cause, then remedy. */
export function Findings({ of, label }: { of: readonly Symptom[]; label?: string }) {
  return (
    <ul className="findings" aria-label={label}>
      {of.map((one, at) => (
        <li key={at}>
          <Mark {...levelOf(one.level)} />
          <div>
            <h3>
              <bdi>{one.seen}</bdi>
            </h3>
            {one.means || one.advice ? (
              <p>
                <bdi>{[one.means, one.advice].filter(Boolean).join(" ")}</bdi>
              </p>
            ) : null}
            {one.records?.map((record, n) => (
              <Copy key={n} text={record.zone} what={`the ${record.type} record`} />
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}

export function Section({
  title,
  children,
  about,
  side,
  id,
}: {
  title: ReactNode;
  children: ReactNode;
  about?: ReactNode;
  side?: ReactNode;
  id?: string;
}) {
  const made = useId();
  const name = `${id ?? made}-title`;
  return (
    <section className="section" id={id} aria-labelledby={name}>
      {side ? (
        <div className="section__head">
          <h2 id={name}>{title}</h2>
          {side}
        </div>
      ) : (
        <h2 id={name}>{title}</h2>
      )}
      {about ? <p className={side ? "small quiet" : undefined}>{about}</p> : null}
      {children}
    </section>
  );
}
