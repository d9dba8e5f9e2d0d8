// Aliases: addresses that lead to others.
import { useState } from "react";
import { type Alias, act, part } from "../api";
import { only, useDanger } from "../ui/dialog";
import { Field, Form } from "../ui/field";
import { useDoing, usePages } from "../ui/hooks";
import { Empty, Loading, Pager, Section, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { say } from "../ui/toasts";

export function Aliases({ domain }: { domain: string }) {
  const pages = usePages<Alias>("/v1/aliases", "aliases", { domain });
  const danger = useDanger();
  const remove = (one: Alias): void =>
    danger.open({
      ask: only(1),
      title: () => `alias is removed: ${one.address}`,
      body: "Mail for it is refused from then on, unless an account has the address.",
      keep: "Keep it",
      go: () => `Remove ${one.address}`,
      run: () => act("DELETE", `/v1/aliases/${part(one.address)}`),
      done: () => {
        say(`Removed: ${one.address}.`);
        pages.reload();
      },
    });
  return (
    <>
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="which aliases there are" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the aliases" />
        ) : null
      ) : pages.items.length === 0 ? (
        <Empty title="No alias.">Addresses that lead to others are listed here.</Empty>
      ) : (
        <Table
          caption="Aliases"
          rows={pages.items}
          keyOf={(one) => one.address}
          columns={[
            { head: "Address", cell: (one) => <bdi>{one.address}</bdi> },
            {
              head: "Leads to",
              cell: (one) => (
                <bdi>
                  {one.account ??
                    one.targets.slice(0, 5).join(", ") +
                      (one.targets.length > 5 ? ` and ${one.targets.length - 5} more` : "")}
                </bdi>
              ),
            },
            {
              head: "Who may write to it",
              cell: (one) => (one.senders.length ? <bdi>{one.senders.join(", ")}</bdi> : "anybody"),
            },
            {
              head: <span className="sr">What to do</span>,
              num: true,
              lead: true,
              cell: (one) => (
                <button className="btn btn--small btn--danger" type="button" onClick={() => remove(one)}>
                  Remove…<span className="sr"> {one.address}</span>
                </button>
              ),
            },
          ]}
        />
      )}
      <Pager of={pages} name="the aliases" />
      <AddAlias done={pages.reload} />
      {danger.dialog}
    </>
  );
}

function AddAlias({ done }: { done: () => void }) {
  const [address, setAddress] = useState("");
  const [targets, setTargets] = useState("");
  const [senders, setSenders] = useState("");
  const doing = useDoing();
  const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
  const run = (): void =>
    void doing.run(async () => {
      await act("POST", "/v1/aliases", {
        address: address.trim(),
        targets: words(targets),
        ...(senders.trim() ? { senders: words(senders) } : {}),
      });
      say(`${address.trim()} leads to ${words(targets).join(", ")}.`);
      setAddress("");
      setTargets("");
      done();
    });
  return (
    <Section title="Add an alias" about="Targets are added to those that an address has already.">
      <Form run={run} problem={doing.problem} fields={["address", "targets", "senders"]} row>
        <Field
          label="Address"
          name="address"
          value={address}
          set={setAddress}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
        />
        <Field
          label="Leads to"
          name="targets"
          value={targets}
          set={setTargets}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help="Addresses, with commas between."
        />
        <Field
          label="Who may write to it"
          name="senders"
          value={senders}
          set={setSenders}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help="Empty: anybody. Or domain, members, addresses."
        />
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Add it
        </button>
      </Form>
    </Section>
  );
}
