// Sink: inboxes, messages, one message, and what goes wrong on purpose.
import { useCallback, useEffect, useState } from "react";
import { act, at, get } from "../api";
import { clock, count, plural, when } from "../format";
import { Link, go, to } from "../router";
import { serverNow } from "../api";
import { useDanger } from "../ui/dialog";
import { useAsk } from "../ui/hooks";
import { Copy, Empty, Loading, Trouble } from "../ui/parts";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import { type SinkInbox, type SinkInfo, type SinkList, type SinkRow, baseOf, people } from "./sink_api";
import { Faults } from "./sink_faults";
import { One } from "./sink_message";
import type { PageProps } from "./page";

/** The sink's own stream: it says only that something changed. Without one it is asked every 3 seconds. */
function useChanges(base: string, changed: (what: "change" | "faults") => void): "live" | "asking" {
  const [state, setState] = useState<"live" | "asking">("asking");
  useEffect(() => {
    const stream = new EventSource(`${base}/api/v1/events`);
    const change = (): void => changed("change");
    const faults = (): void => changed("faults");
    stream.addEventListener("change", change);
    stream.addEventListener("faults", faults);
    stream.onopen = () => {
      setState("live");
      change();
    };
    stream.onerror = () => setState("asking");
    const timer = setInterval(() => {
      if (stream.readyState !== EventSource.OPEN && document.visibilityState !== "hidden") change();
    }, 3000);
    return () => {
      stream.close();
      clearInterval(timer);
    };
  }, [base, changed]);
  return state;
}

const pageSize = 50;

export function SinkPage({ place }: PageProps) {
  const inbox = place.query.get("inbox") ?? "";
  const sought = place.query.get("q") ?? "";
  const id = place.query.get("id") ?? "";
  const start = Math.max(0, Number(place.query.get("start")) || 0);
  const base = baseOf(inbox);
  const info = useAsk<SinkInfo>("/api/v1/info");
  const inboxes = useAsk<{ inboxes: SinkInbox[] }>("/api/v1/inboxes");
  const list = useAsk<SinkList>(
    sought
      ? at(`${base}/api/v1/search`, { query: sought, start, limit: pageSize })
      : at(`${base}/api/v1/messages`, { start, limit: pageSize }),
    true,
  );
  const [faultsTurn, setFaultsTurn] = useState(0);
  const { reload: again } = list;
  const { reload: againInboxes } = inboxes;
  const changed = useCallback(
    (what: "change" | "faults") => {
      if (what === "faults") {
        setFaultsTurn((n) => n + 1);
      } else {
        again();
        againInboxes();
      }
    },
    [again, againInboxes],
  );
  const state = useChanges(base, changed);
  const address = info.data?.SMTP?.[0];
  const here = (more: Record<string, string | undefined>): string => to("sink", { inbox, q: sought, ...more });
  return (
    <>
      <Head title="Sink" side="takes everything, sends nothing on">
        <p className="actions small quiet">
          <span role="status">
            <span className="state" data-is={state === "live" ? "good" : "waiting"}>
              {state === "live" ? "live" : "asked each 3 s"}
            </span>
          </span>
        </p>
      </Head>
      <Trouble problem={info.problem} what="of a sink" />
      {address ? <Copy text={`smtp://${inbox || "checkout"}:any@${address}`} what="the address of the sink" /> : null}
      <p className="more">
        The login name is the inbox, any password will do; an inbox is made when it is first used
        {info.data?.MostMessages
          ? `, and keeps ${count(info.data.MostMessages)} messages for ${info.data.MostDays ?? 7} days`
          : ""}
        .{info.data?.POP3?.[0] ? ` By POP3 they are read at ${info.data.POP3[0]}.` : ""}
      </p>
      <div className={id ? "panes panes--open" : "panes"}>
        <Inboxes of={inboxes.data?.inboxes ?? []} current={inbox} />
        <section className="pane-list" aria-labelledby="list-title">
          <h2 className="sr" id="list-title">
            Messages in {inbox || "all inboxes"}
          </h2>
          <Find key={inbox} inbox={inbox} sought={sought} />
          <Trouble problem={list.problem} title="Not listed" again={list.reload} />
          {!list.data ? (
            list.slow ? (
              <Loading what="the messages" />
            ) : null
          ) : list.data.messages.length === 0 ? (
            <Empty title={sought ? "Nothing found." : "No message."}>
              {sought ? "What was sought is in no message here." : "What is sent to the sink appears here at once."}
            </Empty>
          ) : (
            <>
              <ul>
                {list.data.messages.map((one) => (
                  <Row
                    key={one.ID}
                    of={one}
                    current={one.ID === id}
                    href={here({ id: one.ID, start: start ? String(start) : undefined })}
                  />
                ))}
              </ul>
              <p className="more">
                {start > 0 ? (
                  <Link href={here({ start: String(Math.max(0, start - pageSize)) })}>Newer ones</Link>
                ) : null}{" "}
                {start + list.data.messages.length < list.data.messages_count ? (
                  <Link href={here({ start: String(start + pageSize) })}>
                    {count(list.data.messages_count - start - list.data.messages.length)} older
                  </Link>
                ) : null}
              </p>
            </>
          )}
          <Clear
            inbox={inbox}
            total={list.data?.total ?? 0}
            done={() => {
              changed("change");
              go(to("sink", { inbox }));
            }}
          />
        </section>
        {id ? (
          <One
            key={base + id}
            base={base}
            id={id}
            gone={() => {
              changed("change");
              go(here({}), true);
            }}
            back={here({})}
          />
        ) : (
          <article>
            <Empty title="No message is open.">Choose one, to see it as HTML, text and source.</Empty>
          </article>
        )}
      </div>
      <Faults turn={faultsTurn} />
    </>
  );
}

function Inboxes({ of, current }: { of: readonly SinkInbox[]; current: string }) {
  const all = of.reduce((sum, one) => sum + one.messages, 0);
  const row = (name: string, n: number) => (
    <li key={name}>
      <Link href={to("sink", { inbox: name })} aria-current={name === current ? "true" : undefined}>
        <span className="line">
          <span>{name ? <bdi>{name}</bdi> : "all"}</span>
          <span className="count">
            {count(n)}
            <span className="sr"> messages</span>
          </span>
        </span>
      </Link>
    </li>
  );
  return (
    <nav className="pane-list" aria-label="Inboxes">
      <h2 className="sr">Inboxes</h2>
      <ul>
        {row("", all)}
        {of.slice(0, 200).map((one) => row(one.name, one.messages))}
      </ul>
      {of.length > 200 ? <p className="more">and {count(of.length - 200)} more</p> : null}
    </nav>
  );
}

function Find({ inbox, sought }: { inbox: string; sought: string }) {
  const [typed, setTyped] = useState(sought);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        go(to("sink", { inbox, q: typed.trim() }));
      }}
    >
      <label className="sr" htmlFor="find">
        Find in {inbox || "all inboxes"}
      </label>
      <input
        className="input"
        id="find"
        type="search"
        placeholder="Find: to, subject, text"
        value={typed}
        autoComplete="off"
        onChange={(event) => setTyped(event.target.value)}
      />
    </form>
  );
}

function Row({ of, current, href }: { of: SinkRow; current: boolean; href: string }) {
  const time = new Date(of.Created);
  const now = serverNow();
  const text = Number.isNaN(time.getTime())
    ? ""
    : now.getTime() - time.getTime() < 86_400_000
      ? clock(time)
      : when(time, now);
  return (
    <li>
      <Link className={of.Read ? undefined : "is-new"} href={href} aria-current={current ? "true" : undefined}>
        <span className="line">
          <span>
            {of.Subject ? <bdi>{of.Subject}</bdi> : "(no subject)"}
            {of.Read ? null : <span className="sr"> (new)</span>}
          </span>
          <time dateTime={of.Created}>{text}</time>
        </span>
        <span className="sub">
          <bdi>to {people(of.To)}</bdi>
        </span>
      </Link>
    </li>
  );
}

function Clear({ inbox, total, done }: { inbox: string; total: number; done: () => void }) {
  const danger = useDanger();
  if (total === 0) return null;
  const clear = (): void =>
    danger.open({
      ask: async () => ({ n: (await get<SinkList>(at(`${baseOf(inbox)}/api/v1/messages`, { limit: 1 }))).total }),
      title: (n) =>
        `${n === 1 ? "message is" : "messages are"} deleted, of ${inbox ? `the inbox ${inbox}` : "all inboxes"}`,
      body: "They are gone for all who test with this sink.",
      keep: "Keep them",
      go: (n) => `Delete ${plural(n, "message")}`,
      run: () => act("DELETE", `${baseOf(inbox)}/api/v1/messages`, {}),
      done: (n) => {
        say(`Deleted: ${plural(n, "message")}.`);
        done();
      },
    });
  return (
    <p className="more">
      <button className="btn btn--small btn--danger" type="button" onClick={clear}>
        Delete all…
      </button>
      {danger.dialog}
    </p>
  );
}
