// What can be done with what waits or is held, with the count first.
import { type ReactNode } from "react";
import { type Message, act, part } from "../api";
import { count, plural } from "../format";
import { type Question, useDanger } from "../ui/dialog";
import { useDoing } from "../ui/hooks";
import { Trouble } from "../ui/parts";
import { say } from "../ui/toasts";

type Order = "retry" | "hold" | "release" | "cancel";

type Filter = { destination: string } | { id: string };

interface Counted {
  messages: number;
  recipients: number;
  senders: number;
  /** There are more than it counts. */
  more: boolean;
}

async function countOf(order: Order, filters: readonly Filter[]): Promise<Counted> {
  const sum: Counted = { messages: 0, recipients: 0, senders: 0, more: false };
  for (const filter of filters) {
    const one = await act<Counted>("POST", "/v1/queue/count", { order, ...filter });
    sum.messages += one.messages;
    sum.recipients += one.recipients;
    sum.senders += one.senders;
    sum.more ||= one.more === true;
  }
  return sum;
}

async function give(order: Order, filters: readonly Filter[]): Promise<number> {
  let sum = 0;
  for (const filter of filters)
    sum += (await act<{ recipients: number }>("POST", `/v1/queue/${order}`, filter)).recipients;
  return sum;
}

export const forNames = (names: readonly string[]): string =>
  names.length === 1 ? `for ${names[0]}` : `for ${plural(names.length, "destination")}`;

function dropping(filters: readonly Filter[], what: string, done: () => void): Question {
  return {
    ask: async () => {
      const found = await countOf("cancel", filters);
      return {
        n: found.recipients,
        more:
          `${plural(found.messages, "message")} of ${plural(found.senders, "sender")}.` +
          (found.more ? " There are even more: so far it was counted." : ""),
      };
    },
    title: (n) => `${n === 1 ? "recipient is" : "recipients are"} dropped ${what}`,
    body:
      "No report is written, so the senders are not told. This can't be undone; each trail says who " +
      "gave the order. To have the senders told instead, let them wait.",
    keep: "Keep them waiting",
    go: (n) => `Drop ${plural(n, "recipient")}`,
    run: () => give("cancel", filters),
    done: (n) => {
      say(`Dropped: ${plural(n, "recipient")} ${what}.`);
      done();
    },
  };
}

/** What can be done with what is picked. */
export function Bulk({
  filters,
  what,
  done,
  children,
}: {
  filters: readonly Filter[];
  what: string;
  done: () => void;
  children: ReactNode;
}) {
  const doing = useDoing();
  const danger = useDanger();
  const run = async (order: Order, words: (n: number) => string, back?: Order): Promise<void> => {
    await doing.run(async () => {
      const n = await give(order, filters);
      say(
        words(n),
        back
          ? {
              label: "Release them",
              run: () => void give(back, filters).then(done, () => say("They could not be released.")),
            }
          : undefined,
      );
      done();
    });
  };
  return (
    <>
      <Trouble problem={doing.problem} />
      <div className="bulk" role="region" aria-label="What is picked">
        <p>{children}</p>
        <p className="actions">
          <button
            className="btn"
            type="button"
            onClick={() => void run("retry", (n) => `Trying ${plural(n, "recipient")} ${what} now.`)}
          >
            Try now
          </button>
          <button
            className="btn"
            type="button"
            onClick={() => void run("hold", (n) => `Held: ${plural(n, "recipient")} ${what}.`, "release")}
          >
            Hold
          </button>
          <button className="btn btn--danger" type="button" onClick={() => danger.open(dropping(filters, what, done))}>
            Drop…
          </button>
        </p>
      </div>
      {danger.dialog}
    </>
  );
}

export function NewRows({ waiting, show }: { waiting: number; show: () => void }) {
  return (
    <p className="actions" role="status">
      {waiting > 0 ? (
        <button className="btn btn--small" type="button" onClick={show}>
          Show {count(waiting)} new
        </button>
      ) : null}
    </p>
  );
}

/** Release and drop, of what may be released by who asks; without that knowledge the server decides. */
export function HeldActions({ message, orders, done }: { message: Message; orders: boolean; done: () => void }) {
  const doing = useDoing();
  const danger = useDanger();
  const held = message.recipients.filter((one) => one.state === "held");
  const mine = held.filter((one) => one.yours ?? orders);
  if (held.length === 0) return null;
  if (mine.length === 0)
    return <span className="small quiet wrap">Not yours to release; who looks after your domain can.</span>;
  const ids = mine.map((one) => one.index);
  const body = { recipients: ids };
  const release = (): void =>
    void doing.run(async () => {
      const { recipients } = await act<{ recipients: number }>("POST", `/v1/queue/${part(message.id)}/release`, body);
      say(`Released: ${plural(recipients, "recipient")}. It is delivered now.`);
      done();
    });
  const drop = (): void =>
    danger.open({
      ask: async () => ({ n: ids.length }),
      title: (n) =>
        `held ${n === 1 ? "recipient is" : "recipients are"} dropped: ${mine
          .slice(0, 3)
          .map((one) => one.address)
          .join(", ")}`,
      body: "The message is not delivered and nobody is told. This can't be undone; its trail says who gave the order.",
      keep: "Keep it held",
      go: (n) => `Drop ${plural(n, "recipient")}`,
      run: () => act("POST", `/v1/queue/${part(message.id)}/drop`, body),
      done: (n) => {
        say(`Dropped: ${plural(n, "recipient")}.`);
        done();
      },
    });
  return (
    <>
      <Trouble problem={doing.problem} />
      <span className="actions">
        <button className="btn btn--small" type="button" onClick={release}>
          Release<span className="sr"> {message.id}</span>
        </button>
        <button className="btn btn--small btn--danger" type="button" onClick={drop}>
          Drop…<span className="sr"> {message.id}</span>
        </button>
      </span>
      {danger.dialog}
    </>
  );
}
