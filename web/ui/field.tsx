// Fields whose problem stands under them.
import { type InputHTMLAttributes, type ReactNode, useEffect, useId, useRef } from "react";
import type { Problem } from "../api";
import { Mark, Trouble } from "./parts";

interface Common {
  label: string;
  /** The name that a problem's `field` has. */
  name: string;
  help?: ReactNode;
  problem?: Problem | undefined;
}

/** The problem of this field moves the focus here, once for each time it is told. */
function useProblem<E extends HTMLElement>(
  name: string,
  problem: Problem | undefined,
): { mine: Problem | undefined; ref: React.RefObject<E> } {
  const ref = useRef<E>(null);
  const mine = problem?.field === name ? problem : undefined;
  useEffect(() => {
    if (mine) ref.current?.focus();
  }, [mine]);
  return { mine, ref };
}

function Frame({
  id,
  label,
  help,
  mine,
  children,
}: {
  id: string;
  label: string;
  help: ReactNode;
  mine: Problem | undefined;
  children: ReactNode;
}) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {mine ? (
        <p className="error" id={`${id}-error`}>
          <Mark is="bad" word="Not taken" /> <bdi>{mine.detail}</bdi>
          {mine.advice ? (
            <>
              {" "}
              <bdi>{mine.advice}</bdi>
            </>
          ) : null}
        </p>
      ) : null}
      {help ? (
        <p className="help" id={`${id}-help`}>
          {help}
        </p>
      ) : null}
    </div>
  );
}

const described = (id: string, mine: Problem | undefined, help: ReactNode): string | undefined =>
  [mine ? `${id}-error` : "", help ? `${id}-help` : ""].filter(Boolean).join(" ") || undefined;

export function Field({
  label,
  name,
  help,
  problem,
  value,
  set,
  ...rest
}: Common & { value: string; set: (value: string) => void } & Omit<
    InputHTMLAttributes<HTMLInputElement>,
    "value" | "onChange" | "style"
  >) {
  const id = useId();
  const { mine, ref } = useProblem<HTMLInputElement>(name, problem);
  return (
    <Frame id={id} label={label} help={help} mine={mine}>
      <input
        className="input"
        autoComplete="off"
        {...rest}
        id={id}
        name={name}
        ref={ref}
        value={value}
        aria-invalid={mine ? true : undefined}
        aria-describedby={described(id, mine, help)}
        onChange={(event) => set(event.target.value)}
      />
    </Frame>
  );
}

export function Choice({
  label,
  name,
  help,
  problem,
  value,
  set,
  options,
}: Common & { value: string; set: (value: string) => void; options: readonly (string | readonly [string, string])[] }) {
  const id = useId();
  const { mine, ref } = useProblem<HTMLSelectElement>(name, problem);
  return (
    <Frame id={id} label={label} help={help} mine={mine}>
      <select
        className="input"
        id={id}
        name={name}
        ref={ref}
        value={value}
        aria-invalid={mine ? true : undefined}
        aria-describedby={described(id, mine, help)}
        onChange={(event) => set(event.target.value)}
      >
        {options.map((one) => {
          const [key, word] = typeof one === "string" ? [one, one] : one;
          return (
            <option key={key} value={key}>
              {word}
            </option>
          );
        })}
      </select>
    </Frame>
  );
}

export function Check({
  label,
  value,
  set,
  help,
}: {
  label: ReactNode;
  value: boolean;
  set: (value: boolean) => void;
  help?: ReactNode;
}) {
  return (
    <div className="field">
      <label className="check">
        <input type="checkbox" checked={value} onChange={(event) => set(event.target.checked)} /> <span>{label}</span>
      </label>
      {help ? <p className="help">{help}</p> : null}
    </div>
  );
}

/** A form that asks the server. A problem of no field that it has stands above its buttons. */
export function Form({
  run,
  problem,
  fields,
  children,
  row,
}: {
  run: () => void;
  problem: Problem | undefined;
  fields: readonly string[];
  children: ReactNode;
  row?: boolean;
}) {
  const general = problem && !(problem.field && fields.includes(problem.field)) ? problem : undefined;
  return (
    <form
      noValidate
      className={row ? undefined : "stack"}
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <Trouble problem={general} />
      {row ? <div className="form-row">{children}</div> : children}
    </form>
  );
}
