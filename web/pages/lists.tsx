// Lists: who is refused whatever he sends, and who is let through.
import { useState } from "react";
import { type Listed, act, part } from "../api";
import { Link, to } from "../router";
import { Choice, Field, Form } from "../ui/field";
import { useDoing, usePages } from "../ui/hooks";
import { Empty, Loading, Pager, Section, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import type { PageProps } from "./page";

export function ListsPage({ place }: PageProps) {
  const list = place.parts[1] === "allow" ? "allow" : "block";
  return (
    <>
      <Head title="Lists" />
      <nav className="tabs" aria-label="Lists">
        <Link href={to("lists", "block")} aria-current={list === "block" ? "page" : undefined}>
          Block
        </Link>
        <Link href={to("lists", "allow")} aria-current={list === "allow" ? "page" : undefined}>
          Allow
        </Link>
      </nav>
      <One key={list} list={list} />
    </>
  );
}

function One({ list }: { list: "block" | "allow" }) {
  const pages = usePages<Listed>(`/v1/lists/${list}`, "entries");
  const doing = useDoing();
  const put = (one: Pick<Listed, "what" | "reason">): Promise<unknown> =>
    act("POST", `/v1/lists/${list}`, { what: one.what, ...(one.reason ? { reason: one.reason } : {}) });
  const remove = (one: Listed): void =>
    void doing.run(async () => {
      await act("DELETE", `/v1/lists/${list}/${part(one.what)}`);
      say(`Off the list: ${one.what}.`, {
        label: "Put it back",
        run: () => void put(one).then(pages.reload, () => say(`${one.what} could not be put back.`)),
      });
      pages.reload();
    });
  return (
    <>
      <Trouble problem={doing.problem} />
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="what is on the list" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the list" />
        ) : null
      ) : pages.items.length === 0 ? (
        <Empty title="Nothing is on this list.">
          {list === "block"
            ? "What is on it is refused, whatever it sends."
            : "What is on it passes checks that would refuse it."}{" "}
          Entries of the configuration are not shown here.
        </Empty>
      ) : (
        <Table
          caption={`The list ${list}`}
          rows={pages.items}
          keyOf={(one) => one.what}
          columns={[
            { head: "What", cell: (one) => <bdi>{one.what}</bdi> },
            { head: "Why", cell: (one) => <bdi>{one.reason}</bdi> },
            { head: "Since", cell: (one) => <Time at={one.added} /> },
            { head: "Until", cell: (one) => (one.expires ? <Time at={one.expires} /> : "it is taken off") },
            {
              head: <span className="sr">What to do</span>,
              num: true,
              lead: true,
              cell: (one) => (
                <button className="btn btn--small" type="button" onClick={() => remove(one)}>
                  Take off<span className="sr"> {one.what}</span>
                </button>
              ),
            },
          ]}
        />
      )}
      <Pager of={pages} name="the list" />
      <Add list={list} done={pages.reload} />
    </>
  );
}

function Add({ list, done }: { list: string; done: () => void }) {
  const [what, setWhat] = useState("");
  const [reason, setReason] = useState("");
  const [seconds, setSeconds] = useState("");
  const doing = useDoing();
  const run = (): void =>
    void doing.run(async () => {
      await act("POST", `/v1/lists/${list}`, {
        what: what.trim(),
        ...(reason.trim() ? { reason: reason.trim() } : {}),
        ...(seconds ? { seconds: Number(seconds) } : {}),
      });
      say(`On the list: ${what.trim()}.`);
      setWhat("");
      setReason("");
      done();
    });
  return (
    <Section title={list === "block" ? "Block somebody" : "Let somebody through"} about="In force at once.">
      <Form run={run} problem={doing.problem} fields={["what", "reason", "seconds"]} row>
        <Field
          label="What"
          name="what"
          value={what}
          set={setWhat}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help="An address, network, sender or domain."
        />
        <Field label="Why" name="reason" value={reason} set={setReason} problem={doing.problem} />
        <Choice
          label="How long"
          name="seconds"
          value={seconds}
          set={setSeconds}
          problem={doing.problem}
          options={[
            ["7200", "2 hours"],
            ["86400", "a day"],
            ["604800", "7 days"],
            ["", "until it is taken off"],
          ]}
        />
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Put it on
        </button>
      </Form>
    </Section>
  );
}
