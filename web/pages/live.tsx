// Live: sessions in and out, and what one of them says.
import { NewRows } from "./queue_orders";
import { useState } from "react";
import { type Connection, type Transcript, act, serverNow } from "../api";
import { clock, plural, span } from "../format";
import { useRefresh } from "../live";
import type { Shape } from "../words";
import { useDanger, only } from "../ui/dialog";
import { useAsk, useDoing, useLiveRows, usePages } from "../ui/hooks";
import { Answer, Empty, Loading, Lock, Mark, Pager, Said, Section, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import type { PageProps } from "./page";

const shapes: readonly (readonly [RegExp, Shape])[] = [
  [/refus|reject|fail/i, "bad"],
  [/wait|asking|dns|filter|slow/i, "waiting"],
  [/idle|parked|quiet|silent/i, "idle"],
  [/held/i, "held"],
];
/** Who is at the other end: a socket of this machine has no address. */
const peerOf = (one: Connection): string => (one.peer === ":0" || one.peer === "" ? "this machine" : one.peer);
const nameOf = (one: Connection): string => one.name || peerOf(one);

const shapeOf = (state: string): Shape => shapes.find(([words]) => words.test(state))?.[1] ?? "moving";

export function LivePage(_: PageProps) {
  const [open, setOpen] = useState<Connection>();
  const into = usePages<Connection>("/v1/connections", "connections", { direction: "in" }, 100);
  const out = usePages<Connection>("/v1/connections", "connections", { direction: "out" }, 100);
  const reload = (): void => {
    into.reload();
    out.reload();
  };
  useRefresh(reload, () => true, 5000);
  const side =
    into.items && out.items
      ? `${plural(into.items.length, "session")} in, ${out.items.length} out${into.next || out.next ? " on this page" : ""}`
      : null;
  const close = (): void => setOpen(undefined);
  return (
    <>
      <Head title="Live" side={side} live />
      <p className="small quiet">What is open is asked for every 5 seconds.</p>
      <Sessions title="In" pages={into} open={open} pick={setOpen} />
      {open?.direction === "in" ? <One key={open.id} of={open} close={close} reload={reload} /> : null}
      <Sessions title="Out" pages={out} open={open} pick={setOpen} />
      {open?.direction === "out" ? <One key={open.id} of={open} close={close} reload={reload} /> : null}
    </>
  );
}

function Sessions({
  title,
  pages,
  open,
  pick,
}: {
  title: "In" | "Out";
  pages: ReturnType<typeof usePages<Connection>>;
  open: Connection | undefined;
  pick: (one: Connection) => void;
}) {
  const out = title === "Out";
  const live = useLiveRows(
    pages.items,
    (one) => String(one.id),
    open?.direction === title.toLowerCase() ? 1 : 0,
    `${title} ${pages.page}`,
  );
  const now = serverNow();
  return (
    <Section title={title}>
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what={`which sessions are open ${out ? "out" : "in"}`} again={pages.reload} />
      ) : !pages.items ? (
        pages.slow ? (
          <Loading what="the sessions" />
        ) : null
      ) : live.rows.length === 0 ? (
        <Empty title="Nobody is connected.">
          {out ? "Connections to other servers" : "Mail programs and other servers"} appear here while they are open.
        </Empty>
      ) : (
        <div {...live.watch}>
          <NewRows waiting={live.waiting} show={live.showNew} />
          <Table
            caption={out ? "Sessions out" : "Sessions in"}
            rows={live.rows}
            keyOf={(row) => row.key}
            current={open ? String(open.id) : undefined}
            gone={(row) => row.gone}
            columns={[
              {
                head: "Peer",
                cell: ({ value }) => (
                  <>
                    <button
                      className="btn btn--small btn--quiet peer"
                      type="button"
                      aria-expanded={value.id === open?.id}
                      onClick={() => pick(value)}
                    >
                      <bdi>{nameOf(value)}</bdi>
                    </button>
                    <span className="sub">
                      <bdi>{peerOf(value)}</bdi>
                      {value.destination ? (
                        <>
                          , for <bdi>{value.destination}</bdi>
                        </>
                      ) : (
                        <>, {value.protocol}</>
                      )}
                    </span>
                  </>
                ),
              },
              { head: "Account", cell: ({ value }) => (value.account ? <bdi>{value.account}</bdi> : null) },
              {
                head: "State",
                lead: true,
                cell: ({ value, gone }) =>
                  gone ? <Mark is="dropped" word="gone" /> : <Mark is={shapeOf(value.state)} word={value.state} />,
              },
              { head: "TLS", cell: ({ value }) => value.tls || "none" },
              {
                head: out ? "Their last reply" : "Our last reply",
                cell: ({ value }) => (value.last_reply ? <Said inline>{value.last_reply}</Said> : null),
              },
              { head: "Age", num: true, cell: ({ value }) => span(now.getTime() - Date.parse(value.since)) },
            ]}
          />
        </div>
      )}
      <Pager of={pages} name={out ? "the sessions out" : "the sessions in"} />
    </Section>
  );
}

function One({ of, close, reload }: { of: Connection; close: () => void; reload: () => void }) {
  const said = useAsk<Transcript>(`/v1/connections/${of.id}`);
  useRefresh(said.reload, () => false, 2000);
  const danger = useDanger();
  const doing = useDoing();
  const peer = peerOf(of).replace(/:\d+$/, "");
  const who = `${of.account || of.name || peer} from ${peer}`;
  const block = (): void =>
    void doing.run(async () => {
      const what = peer.replace(/^\[|\]$/g, "");
      await act("POST", "/v1/lists/block", { what, reason: "blocked on the page Live", seconds: 7200 });
      say(`Blocked for 2 hours: ${what}.`, {
        label: "Let it in",
        run: () =>
          void act("DELETE", `/v1/lists/block/${encodeURIComponent(what)}`).catch(() => say("It is still blocked.")),
      });
    });
  const end = (): void =>
    danger.open({
      ask: only(1),
      title: () => `session is ended: ${who}`,
      body:
        "It is told that we are closing, and closed. A message that is not accepted yet stays with who " +
        "sends it, and is sent again.",
      keep: "Let it go on",
      go: () => "End 1 session",
      run: () => act("DELETE", `/v1/connections/${of.id}`),
      done: () => {
        say(`Ended: ${who}.`);
        close();
        reload();
      },
    });
  return (
    <Section
      title={
        <>
          The session of <bdi>{nameOf(of)}</bdi>
        </>
      }
      side={
        <p className="actions">
          {of.direction === "in" && /^[[0-9]/.test(peer) ? (
            <button className="btn btn--small" type="button" onClick={block}>
              Block {peer}
            </button>
          ) : null}
          <button className="btn btn--small btn--danger" type="button" onClick={end}>
            End it…
          </button>
          <button className="btn btn--small" type="button" onClick={close}>
            Close
          </button>
        </p>
      }
    >
      <Trouble problem={doing.problem} />
      {said.problem?.status === 404 ? (
        <p className="empty">
          <b>This session has ended.</b> What it said is not kept.
        </p>
      ) : (
        <Answer of={said} what="what a session says">
          {(data) => (
            <>
              <Lock kind={data.tls ? "unchecked" : "open"}>
                {data.tls ? `Encrypted, ${data.tls}.` : "In clear."} Passwords and tokens are never shown or kept.
              </Lock>
              <ol className="transcript" tabIndex={0} aria-label="Transcript, newest last">
                {data.lost > 0 ? (
                  <li className="gone">
                    <span className="who" />
                    {plural(data.lost, "older line")} not kept
                  </li>
                ) : null}
                {data.lines.length === 0 ? (
                  <li className="gone">
                    <span className="who" />
                    Nothing was said since you look. Lines are recorded from now on.
                  </li>
                ) : null}
                {data.lines.map((line, at) => (
                  <li key={at + data.lost} className={line.who === "note" ? "gone" : line.who}>
                    <span className="who">{line.who === "us" ? "→" : line.who === "peer" ? "←" : ""}</span>
                    {line.who === "note" ? null : <span className="sr">{line.who === "us" ? "we: " : "they: "}</span>}
                    <bdi title={clock(new Date(line.at), true)}>{line.text}</bdi>
                  </li>
                ))}
              </ol>
            </>
          )}
        </Answer>
      )}
      {danger.dialog}
    </Section>
  );
}
