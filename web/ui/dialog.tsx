// A question before danger: the count first, asked of the server at that moment.
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type Problem, asProblem } from "../api";
import { count } from "../format";
import { useDoing } from "./hooks";
import { Trouble } from "./parts";

/** Above so many the number is typed. */
export const typedAbove = 20;

export interface Question {
  /** How many, asked when the dialog opens. */
  ask: () => Promise<{ n: number; more?: string }>;
  /** Behind the count: "recipients are dropped for example.net". */
  title: (n: number) => string;
  body: ReactNode;
  keep: string;
  /** "Drop 41 recipients" */
  go: (n: number) => string;
  run: (n: number) => Promise<unknown>;
  done?: (n: number) => void;
}

export function Danger({ question, close }: { question: Question; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const keep = useRef<HTMLButtonElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const [asked, setAsked] = useState<{ n: number; more?: string }>();
  const [problem, setProblem] = useState<Problem>();
  const [typed, setTyped] = useState("");
  const doing = useDoing();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    keep.current?.focus();
    return () => {
      // What asked may be gone with what it was about: then the page has the focus, not nobody.
      const after = before instanceof HTMLElement && before.isConnected ? before : document.getElementById("main");
      after?.focus();
    };
  }, []);
  useEffect(() => {
    let there = true;
    question.ask().then(
      (answer) => there && setAsked(answer),
      (error: unknown) => there && setProblem(asProblem(error)),
    );
    return () => {
      there = false;
    };
  }, [question]);
  const n = asked?.n ?? 0;
  const many = n > typedAbove;
  useEffect(() => {
    if (many) field.current?.focus();
  }, [many]);
  const ready = asked !== undefined && n > 0 && !doing.busy && (!many || typed.replace(/[\s,.]/g, "") === String(n));
  const run = async (): Promise<void> => {
    if (!ready) return;
    if (await doing.run(() => question.run(n))) {
      question.done?.(n);
      close();
    }
  };
  return (
    <dialog className="dialog" ref={dialog} aria-labelledby={`${id}-title`} onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <h2 id={`${id}-title`} aria-live="polite">
          {asked ? (
            <>
              <span className="dialog__count">{count(n)}</span> <bdi>{question.title(n)}</bdi>
            </>
          ) : problem ? (
            "How many is not known"
          ) : (
            "Asking how many…"
          )}
        </h2>
        <Trouble problem={problem} />
        {asked?.more ? (
          <p>
            <bdi>{asked.more}</bdi>
          </p>
        ) : null}
        <p>{question.body}</p>
        {many ? (
          <div className="field">
            <label htmlFor={`${id}-n`}>Type {n} to go on</label>
            <input
              className="input"
              id={`${id}-n`}
              ref={field}
              value={typed}
              inputMode="numeric"
              autoComplete="off"
              size={6}
              onChange={(event) => setTyped(event.target.value)}
            />
          </div>
        ) : null}
        <Trouble problem={doing.problem} />
        <p className="actions">
          <button className="btn" type="button" ref={keep} onClick={() => dialog.current?.close()}>
            {question.keep}
          </button>
          <button className="btn btn--danger-full" type="submit" aria-disabled={!ready}>
            {asked ? question.go(n) : "Wait for the count"}
          </button>
        </p>
      </form>
    </dialog>
  );
}

/** One question at a time: `open(question)` shows it; put `dialog` somewhere into the page. */
export function useDanger(): { open: (question: Question) => void; dialog: ReactNode } {
  const [question, setQuestion] = useState<Question>();
  return {
    open: setQuestion,
    dialog: question ? <Danger question={question} close={() => setQuestion(undefined)} /> : null,
  };
}

/** A count that needs no asking. */
export const only = (n: number) => async (): Promise<{ n: number }> => ({ n });
