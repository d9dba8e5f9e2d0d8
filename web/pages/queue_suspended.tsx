// What operators have suspended: mail of accounts, mail to domains, and sites that pause.
import { useState } from "react";
import { type Suspension, act, part, serverNow } from "../api";
import { plural } from "../format";
import { useRefresh } from "../live";
import { only, useDanger } from "../ui/dialog";
import { Choice, Field, Form } from "../ui/field";
import { useDoing, usePages } from "../ui/hooks";
import { Empty, Loading, Mark, Pager, Section, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { say } from "../ui/toasts";

const hour = 3_600_000;

const kinds: Record<Suspension["of"], string> = { account: "mail of", domain: "mail to", site: "the site" };

export function Suspended() {
  const pages = usePages<Suspension>("/v1/suspensions", "suspensions", {}, 200);
  useRefresh(pages.reload, (name) => name === "message.held" || name === "message.released", 10_000);
  return (
    <>
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="what is suspended" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="what is suspended" />
        ) : null
      ) : pages.items.length === 0 ? (
        <Empty title="Nothing is suspended.">
          What an account sends, or what goes to a domain, can be held for a while: it is taken, and goes later.
        </Empty>
      ) : (
        <List of={pages.items} done={pages.reload} />
      )}
      <Pager of={pages} name="what is suspended" />
      <Suspend done={pages.reload} />
    </>
  );
}

function List({ of, done }: { of: readonly Suspension[]; done: () => void }) {
  const danger = useDanger();
  const resume = (one: Suspension): void =>
    danger.open({
      ask: only(1),
      title: () => `suspension is ended: ${kinds[one.of]} ${one.whose}`,
      body: "What was held for it goes at once, unless another one holds it as well.",
      keep: "Leave it suspended",
      go: () => "Let it go",
      run: () =>
        one.of === "site"
          ? act("POST", `/v1/sites/${part(one.whose)}/resume`)
          : act("DELETE", `/v1/suspensions/${part(one.whose)}`),
      done: () => {
        say(`It goes as before: ${kinds[one.of]} ${one.whose}.`);
        done();
      },
    });
  return (
    <>
      <Table
        caption="What is suspended"
        rows={of}
        keyOf={(one) => `${one.of} ${one.whose}`}
        columns={[
          {
            head: "What",
            cell: (one) => (
              <>
                {kinds[one.of]} <bdi>{one.whose}</bdi>
              </>
            ),
          },
          {
            head: "Why",
            lead: true,
            cell: (one) => (
              <div>
                <Mark
                  is={one.state === "ending" ? "moving" : "held"}
                  word={one.state === "ending" ? "ending" : one.of === "site" ? "pauses" : "held"}
                />{" "}
                <bdi>{one.reason || "no reason was given"}</bdi>
                <span className="sub">
                  by <bdi>{one.by}</bdi>
                </span>
              </div>
            ),
          },
          { head: "Since", cell: (one) => <Time at={one.since} /> },
          { head: "Until", cell: (one) => (one.until ? <Time at={one.until} /> : "it is ended here") },
          {
            head: <span className="sr">What to do</span>,
            num: true,
            cell: (one) =>
              one.state === "ending" ? null : (
                <button className="btn btn--small btn--danger" type="button" onClick={() => resume(one)}>
                  End it…<span className="sr"> {one.whose}</span>
                </button>
              ),
          },
        ]}
      />
      {danger.dialog}
    </>
  );
}

function Suspend({ done }: { done: () => void }) {
  const [whose, setWhose] = useState("");
  const [reason, setReason] = useState("");
  const [hours, setHours] = useState("24");
  const doing = useDoing();
  const run = (): void =>
    void doing.run(async () => {
      const until = hours ? new Date(serverNow().getTime() + Number(hours) * hour).toISOString().slice(0, 19) + "Z" : "";
      const made = await act<{ whose: string; recipients: number }>("POST", "/v1/suspensions", {
        whose: whose.trim(),
        ...(reason.trim() ? { reason: reason.trim() } : {}),
        ...(until ? { until } : {}),
      });
      say(`Suspended: ${made.whose}; ${plural(made.recipients, "recipient")} that waited held.`);
      setWhose("");
      setReason("");
      done();
    });
  return (
    <Section title="Suspend mail" about="It is taken as before, and held until then. No sender is told of a delay for it.">
      <Form run={run} problem={doing.problem} fields={["whose", "reason", "until"]} row>
        <Field
          label="Whose"
          name="whose"
          value={whose}
          set={setWhose}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help="An account, for what it sends; or a domain, for what goes there."
        />
        <Field label="Why" name="reason" value={reason} set={setReason} problem={doing.problem} maxLength={200} />
        <Choice
          label="How long"
          name="until"
          value={hours}
          set={setHours}
          problem={doing.problem}
          options={[
            ["2", "2 hours"],
            ["24", "a day"],
            ["168", "7 days"],
            ["", "until it is ended here"],
          ]}
        />
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Suspend it
        </button>
      </Form>
    </Section>
  );
}
