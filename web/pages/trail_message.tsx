// One message: who has it, what happened, what comes next and what can be done.
import { stateOfEvent } from "../trail_words";
import { stateOf } from "../words";
import { HeldActions } from "./queue_orders";
import { type ReactNode, useState } from "react";
import { type Me, type Recipient, type Trail, act, serverNow } from "../api";
import { apart, plural, size } from "../format";
import { useRefresh } from "../live";
import { Link, to } from "../router";
import { classInWords, protection, reportIn, sentence, stateOfMessage, voice, whom, worstOf } from "../trail_words";
import { roleOf, whyHeld } from "../words";
import { useDanger } from "../ui/dialog";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Empty, Facts, Lock, Mark, Said, Section, Sentence, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { say } from "../ui/toasts";
import { Content } from "./content";

export const idForm = /^[0-9A-HJKMNP-TV-Z]{26}$/i;

export function One({ id, me }: { id: string; me: Me }) {
  const trail = useAsk<Trail>(`/v1/messages/${encodeURIComponent(id)}`);
  useRefresh(trail.reload, (name) => name.startsWith("message."));
  if (trail.problem?.status === 404) {
    return (
      <Empty
        title={
          <>
            There is no message <bdi>{id}</bdi>.
          </>
        }
      >
        Trails are forgotten after some time; or the id has a typo, or the message is not yours to see.
      </Empty>
    );
  }
  return (
    <Answer of={trail} what="the trail">
      {(data) => <Whole trail={data} me={me} reload={trail.reload} />}
    </Answer>
  );
}

function Whole({ trail, me, reload }: { trail: Trail; me: Me; reload: () => void }) {
  const now = serverNow();
  const guarded = protection(trail.tls);
  // Only whose mail it is reads it, whatever else he may do.
  const readable =
    me.login !== undefined && (trail.account === me.login || trail.recipients.some((one) => one.mailbox === me.login));
  const facts: (readonly [string, ReactNode, string?])[] = [
    ["From", <bdi>{trail.sender || "nobody (a report)"}</bdi>],
    ["Subject", trail.subject ? <bdi>{trail.subject}</bdi> : null],
    ["Class", trail.class],
    ["Account", trail.account ? <bdi>{trail.account}</bdi> : null],
    ["Size", size(trail.size)],
    ["Came from", trail.peer ? <bdi>{trail.peer}</bdi> : null],
    ["Accepted", <Time at={trail.accepted} seconds />],
    ["Given up", trail.expires ? <Time at={trail.expires} /> : null],
    ["Not before", trail.hold_until ? <Time at={trail.hold_until} /> : null],
    ["Id", trail.id, "id mono"],
    ["Message-ID", trail.message_id ? <bdi>{trail.message_id}</bdi> : null, "id mono"],
    ["Envelope id", trail.envid ? <bdi>{trail.envid}</bdi> : null, "id mono"],
  ];
  return (
    <>
      <Sentence
        small
        label="The message in one sentence"
        state={stateOfMessage(trail)}
        main={<bdi>{sentence(trail, now)}</bdi>}
        why={<WhyOf of={worstOf(trail.recipients)} />}
      >
        <WhatNow trail={trail} me={me} done={reload} />
      </Sentence>
      <div className="split split--side">
        <div>
          <section aria-labelledby="who">
            <h2 className="sr" id="who">
              Recipients
            </h2>
            <Recipients of={trail} />
          </section>
          <Section title="What happened">
            <Timeline of={trail} now={now} />
          </Section>
        </div>
        <aside aria-labelledby="message">
          <h2 id="message">The message</h2>
          <Facts of={facts} />
          {guarded ? <Lock kind={guarded.lock}>{guarded.words}</Lock> : null}
          {trail.reports.length > 0 ? (
            <p className="more">
              Reports about it:{" "}
              {trail.reports.map((one) => (
                <Link key={one} className="id mono" href={to("trail", one)}>
                  {one}
                </Link>
              ))}
            </p>
          ) : null}
        </aside>
      </div>
      {readable ? (
        <Section title="What it says">
          <Content id={trail.id} />
        </Section>
      ) : null}
    </>
  );
}

/** The cause, with who said it. */
function WhyOf({ of }: { of: Recipient | undefined }) {
  if (!of) return null;
  if (of.state === "held") return <bdi>{whyHeld(of)}</bdi>;
  if (of.state === "dropped") return <bdi>{of.reason}</bdi>;
  const said = of.destination_error || voice(of.told) || of.last_reply;
  if (!said) return of.reason ? <bdi>{of.reason}</bdi> : null;
  return (
    <>
      {of.told?.host && !of.destination_error ? (
        <>
          <bdi>{of.told.host}</bdi> said:{" "}
        </>
      ) : null}
      <Said inline>{said}</Said>
    </>
  );
}

/** The most rows of a message to very many. */
const mostRows = 200;

function Recipients({ of }: { of: Trail }) {
  const [all, setAll] = useState(mostRows);
  return (
    <>
      <Table
        caption="Recipients and their states"
        rows={of.recipients.slice(0, all)}
        keyOf={(one) => String(one.index)}
        columns={[
          { head: "Recipient", cell: (one) => <bdi>{one.address}</bdi> },
          { head: "State", lead: true, cell: (one) => <Mark {...stateOf(one)} /> },
          { head: "Since", cell: (one) => <Time at={one.changed} seconds /> },
          {
            head: "In short",
            cell: (one) => (
              <InShort
                of={one}
                words={of.words?.length === of.recipients.length ? of.words[of.recipients.indexOf(one)] : undefined}
              />
            ),
          },
        ]}
      />
      {of.recipients.length > all ? (
        <p className="more">
          <button className="btn btn--small" type="button" onClick={() => setAll(all + mostRows)}>
            Show {Math.min(mostRows, of.recipients.length - all)} more of {of.recipients.length}
          </button>
        </p>
      ) : null}
    </>
  );
}

function InShort({ of, words }: { of: Recipient; words: string | undefined }) {
  const said = voice(of.told) || of.last_reply;
  return (
    <div>
      {words ? <bdi>{words}</bdi> : of.reason ? <bdi>{of.reason}</bdi> : null}
      {said ? (
        <span className="sub">
          {of.told?.host ? (
            <>
              <bdi>{of.told.host}</bdi>:{" "}
            </>
          ) : null}
          <Said inline>{said}</Said>
        </span>
      ) : null}
      {of.destination_error ? (
        <span className="sub">
          The way there: <Said inline>{of.destination_error}</Said>
        </span>
      ) : null}
    </div>
  );
}

/** What is known more of a step: often another's words, or a report. */
function Detail({ of }: { of: string }) {
  const found = reportIn(of);
  if (!found) return of ? <Said>{of}</Said> : null;
  return (
    <>
      {found.said ? <Said>{found.said}</Said> : null}
      <p className="why">
        Its report:{" "}
        <Link className="id mono" href={to("trail", found.report)}>
          {found.report}
        </Link>
      </p>
    </>
  );
}

function Timeline({ of, now }: { of: Trail; now: Date }) {
  const due = of.recipients
    .filter((one) => one.state === "waiting" && one.due)
    .sort((a, b) => Date.parse(a.due ?? "") - Date.parse(b.due ?? ""));
  const open = of.recipients.filter((one) => ["waiting", "in hand"].includes(one.state));
  const [most, setMost] = useState(mostRows);
  const left = of.events.length - most;
  return (
    <>
      {left > 0 ? (
        <p className="more">
          <button className="btn btn--small" type="button" onClick={() => setMost(most + mostRows)}>
            Show {Math.min(mostRows, left)} older of {of.events.length} steps
          </button>
        </p>
      ) : null}
      <ol className="timeline">
        {of.events.slice(-most).map((event, at, shown) => (
          <li key={at} className={at === shown.length - 1 && open.length > 0 ? "now" : undefined}>
            <Time at={event.at} seconds />
            <div>
              <p>
                <Mark {...stateOfEvent(event.kind)} />{" "}
                <span>
                  <bdi>{whom(event, of.recipients)}</bdi>
                </span>
              </p>
              <Detail of={event.detail} />
              {classInWords(event.bounce) ? <p className="why">{classInWords(event.bounce)}</p> : null}
              {event.node ? (
                <p className="why">
                  on <bdi>{event.node}</bdi>
                </p>
              ) : null}
            </div>
          </li>
        ))}
        {due.slice(0, 5).map((one) => (
          <li className="next" key={one.index}>
            <Time at={one.due} />
            <div>
              <p>
                <Mark is="waiting" word="next try" />{" "}
                <span>
                  of <bdi>{one.address}</bdi>, {apart(new Date(one.due ?? ""), now)}
                </span>
              </p>
            </div>
          </li>
        ))}
        {open.length > 0 && of.expires ? (
          <li className="next">
            <Time at={of.expires} />
            <div>
              <p>
                <Mark is="waiting" word="returned" />{" "}
                <span>
                  to <bdi>{of.sender || "nobody"}</bdi>, if it still waits then
                </span>
              </p>
            </div>
          </li>
        ) : null}
      </ol>
    </>
  );
}

function WhatNow({ trail, me, done }: { trail: Trail; me: Me; done: () => void }) {
  const doing = useDoing();
  const danger = useDanger();
  const waiting = trail.recipients.filter((one) => one.state === "waiting");
  const held = trail.recipients.filter((one) => one.state === "held");
  const operator = roleOf(me) === "operator";
  const give = (order: string, words: (n: number) => string): void =>
    void doing.run(async () => {
      const { recipients } = await act<{ recipients: number }>("POST", `/v1/queue/${order}`, { id: trail.id });
      say(words(recipients));
      done();
    });
  const drop = (): void =>
    danger.open({
      ask: async () => {
        const found = await act<{ recipients: number }>("POST", "/v1/queue/count", { order: "cancel", id: trail.id });
        return { n: found.recipients };
      },
      title: (n) =>
        `${n === 1 ? "recipient is" : "recipients are"} dropped: ${waiting
          .slice(0, 3)
          .map((one) => one.address)
          .join(", ")}${waiting.length > 3 ? " and others" : ""}`,
      body:
        `It is not tried again and no report is written: ${trail.sender || "its sender"} is ` +
        "not told. Those who have it are not touched.",
      keep: waiting.length === 1 ? "Keep it waiting" : "Keep them waiting",
      go: (n) => `Drop ${plural(n, "recipient")}`,
      run: () => act("POST", "/v1/queue/cancel", { id: trail.id }),
      done: (n) => {
        say(`Dropped: ${plural(n, "recipient")}.`);
        done();
      },
    });
  if (waiting.length === 0 && held.length === 0) return null;
  return (
    <>
      <h2 className="sr">What now</h2>
      <Trouble problem={doing.problem} />
      {held.length > 0 ? <HeldActions message={trail} orders={operator} done={done} /> : null}
      {waiting.length > 0 && operator ? (
        <ul className="choices">
          <li>
            <button
              className="btn"
              type="button"
              onClick={() => give("retry", (n) => `Trying ${plural(n, "recipient")} now.`)}
            >
              Try now
            </button>{" "}
            <span>Helps when what is said below has been mended.</span>
          </li>
          <li>
            <button
              className="btn"
              type="button"
              onClick={() => give("hold", (n) => `Held: ${plural(n, "recipient")}.`)}
            >
              Hold
            </button>{" "}
            <span>Keeps it here until you release it.</span>
          </li>
          <li>
            <button className="btn btn--danger" type="button" onClick={drop}>
              Drop…
            </button>{" "}
            <span>Ends it for who still waits. Nobody is told.</span>
          </li>
        </ul>
      ) : null}
      {danger.dialog}
    </>
  );
}
