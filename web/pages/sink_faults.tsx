// What the sink does wrong on purpose, first match first.
import { useEffect, useState } from "react";
import { act } from "../api";
import { count } from "../format";
import { Choice, Field, Form } from "../ui/field";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Empty, Said, Section, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { say } from "../ui/toasts";
import type { Fault } from "./sink_api";

const places: readonly (readonly [string, string])[] = [
  ["connect", "connect"],
  ["ehlo", "EHLO"],
  ["starttls", "STARTTLS"],
  ["auth", "AUTH"],
  ["mail", "MAIL"],
  ["rcpt", "RCPT"],
  ["data", "DATA"],
  ["end", "end of the message"],
  ["after", "after it"],
];
const deeds: readonly (readonly [string, string])[] = [
  ["reply", "replies"],
  ["delay", "delays"],
  ["stall", "stalls"],
  ["drop", "drops the connection"],
  ["drip", "replies drop by drop"],
  ["greylist", "greylists"],
  ["full", "full mailbox"],
  ["certificate", "bad certificate"],
  ["duplicate", "keeps it twice"],
  ["bounce", "bounces later"],
];
const wordOf = (list: readonly (readonly [string, string])[], key: string): string =>
  list.find(([name]) => name === key)?.[1] ?? key;

/** `turn` rises when the list or its hits changed. */
export function Faults({ turn }: { turn: number }) {
  const asked = useAsk<{ seed: number; faults: Fault[] }>("/api/v1/faults");
  const { reload } = asked;
  useEffect(() => {
    if (turn > 0) reload();
  }, [turn, reload]);
  const doing = useDoing();
  const remove = (one: Fault): void =>
    void doing.run(async () => {
      await act("DELETE", `/api/v1/faults/${encodeURIComponent(one.id)}`);
      say("Removed: 1 fault.");
      reload();
    });
  return (
    <Section
      title="Faults"
      about={
        <>
          What the sink does wrong on purpose, first match first. The same list can be given with{" "}
          <code className="nowrap">--faults</code>.
        </>
      }
    >
      <Trouble problem={doing.problem} />
      <Answer of={asked} what="of faults">
        {({ faults, seed }) =>
          faults.length === 0 ? (
            <Empty title="It does everything right.">Add a fault, to see what your program does then.</Empty>
          ) : (
            <>
              <Table
                caption="Faults"
                rows={faults}
                keyOf={(one) => String(one.id)}
                columns={[
                  { head: "When", cell: (one) => <bdi>{one.when ?? "always"}</bdi> },
                  { head: "At", cell: (one) => wordOf(places, one.at) },
                  {
                    head: "Does",
                    cell: (one) => (
                      <div>
                        {wordOf(deeds, one.does)}
                        {one.said ? (
                          <span className="sub">
                            <Said inline>{one.said}</Said>
                          </span>
                        ) : null}
                      </div>
                    ),
                  },
                  { head: "Hits", num: true, cell: (one) => count(one.hits ?? 0) },
                  {
                    head: <span className="sr">What to do</span>,
                    num: true,
                    lead: true,
                    cell: (one) => (
                      <button className="btn btn--small" type="button" onClick={() => remove(one)}>
                        Remove<span className="sr"> {wordOf(deeds, one.does)}</span>
                      </button>
                    ),
                  },
                ]}
              />
              <p className="more">Shares in per cent are drawn with the seed {seed}: the same seed draws the same.</p>
            </>
          )
        }
      </Answer>
      <Add done={reload} />
    </Section>
  );
}

function Add({ done }: { done: () => void }) {
  const [recipient, setRecipient] = useState("");
  const [inbox, setInbox] = useState("");
  const [place, setPlace] = useState("rcpt");
  const [deed, setDeed] = useState("greylist");
  const [reply, setReply] = useState("");
  const [seconds, setSeconds] = useState("");
  const [percent, setPercent] = useState("");
  const doing = useDoing();
  const number = (text: string): number | undefined => (text.trim() ? Number(text) : undefined);
  const run = (): void =>
    void doing.run(async () => {
      await act<Fault>("POST", "/api/v1/faults", {
        at: place,
        does: deed,
        ...(recipient.trim() ? { recipient: recipient.trim() } : {}),
        ...(inbox.trim() ? { inbox: inbox.trim() } : {}),
        ...(reply.trim() ? { reply: reply.trim() } : {}),
        ...(number(seconds) !== undefined ? { seconds: number(seconds) } : {}),
        ...(number(percent) !== undefined ? { percent: number(percent) } : {}),
        ...(deed === "certificate" ? { certificate: "expired" } : {}),
      });
      say("Added: 1 fault.");
      done();
    });
  const problem = doing.problem;
  return (
    <Form run={run} problem={problem} fields={["at", "does", "recipient", "inbox", "reply", "seconds", "percent"]} row>
      <Field
        label="To"
        name="recipient"
        value={recipient}
        set={setRecipient}
        problem={problem}
        help="Such as *@example.net; empty: any."
      />
      <Field label="Inbox" name="inbox" value={inbox} set={setInbox} problem={problem} help="Empty: any." />
      <Choice label="At" name="at" value={place} set={setPlace} problem={problem} options={places} />
      <Choice label="Does" name="does" value={deed} set={setDeed} problem={problem} options={deeds} />
      {deed === "reply" ? (
        <Field
          label="Reply"
          name="reply"
          value={reply}
          set={setReply}
          problem={problem}
          help="Such as 451 4.3.0 later."
        />
      ) : null}
      {["delay", "stall", "drip", "greylist", "bounce"].includes(deed) ? (
        <Field label="Seconds" name="seconds" value={seconds} set={setSeconds} problem={problem} inputMode="numeric" />
      ) : null}
      <Field
        label="Of a hundred"
        name="percent"
        value={percent}
        set={setPercent}
        problem={problem}
        inputMode="numeric"
        help="Empty: each time."
      />
      <button className="btn" type="submit" aria-disabled={doing.busy}>
        Add a fault
      </button>
    </Form>
  );
}
