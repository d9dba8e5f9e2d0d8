// Domains: which are ours, who owns them, and their keys.
import { useState } from "react";
import { type DkimKey, type DnsRecord, type Domain, act, at, part } from "../api";
import { plural } from "../format";
import { Link, go, to } from "../router";
import { roleOf } from "../words";
import { only, useDanger } from "../ui/dialog";
import { Field, Form } from "../ui/field";
import { useAsk, useDoing, usePages } from "../ui/hooks";
import { Answer, Empty, Facts, Loading, Mark, Pager, Section, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Records, Zone } from "../ui/records";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import type { PageProps } from "./page";

export function DomainsPage({ me, place }: PageProps) {
  const operator = roleOf(me) === "operator";
  const name = place.parts[1];
  if (name) return <One key={name} name={name} operator={operator} />;
  return <All operator={operator} />;
}

function All({ operator }: { operator: boolean }) {
  const pages = usePages<Domain>("/v1/domains", "domains");
  return (
    <>
      <Head title="Domains" />
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="which domains are ours" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the domains" />
        ) : null
      ) : pages.items.length === 0 ? (
        <Empty title="No domain yet.">This server takes mail for the domains that are listed here.</Empty>
      ) : (
        <Table
          caption="Our domains"
          rows={pages.items}
          keyOf={(one) => one.name}
          columns={[
            {
              head: "Domain",
              cell: (one) => (
                <>
                  <Link href={to("domains", one.name)}>
                    <bdi>{one.display_name}</bdi>
                  </Link>
                  {one.display_name !== one.name ? <span className="sub mono">{one.name}</span> : null}
                </>
              ),
            },
            {
              head: "Its addresses",
              cell: (one) =>
                one.alias_of ? (
                  <>
                    those of <bdi>{one.alias_of}</bdi>
                  </>
                ) : (
                  <Link href={to("accounts", { domain: one.name })}>its accounts</Link>
                ),
            },
            {
              head: "Mail for postmaster",
              cell: (one) =>
                one.alias_of ? null : one.owner ? <bdi>{one.owner}</bdi> : <Mark is="warning" word="nobody" />,
            },
            {
              head: "In the DNS",
              cell: (one) => (one.alias_of ? null : <Link href={to("deliverability", one.name)}>its records</Link>),
            },
          ]}
        />
      )}
      <Pager of={pages} name="the domains" />
      {operator ? <Add done={pages.reload} /> : null}
    </>
  );
}

function Add({ done }: { done: () => void }) {
  const [name, setName] = useState("");
  const [alias, setAlias] = useState("");
  const doing = useDoing();
  const run = (): void =>
    void doing.run(async () => {
      const made = await act<Domain & { signs: boolean; problem?: string }>("POST", "/v1/domains", {
        name: name.trim(),
        ...(alias.trim() ? { alias_of: alias.trim() } : {}),
      });
      say(
        made.problem
          ? `Added: ${made.name}. Its mail is not signed: ${made.problem}`
          : `Added: ${made.name}. Now its records go into the DNS.`,
      );
      setName("");
      setAlias("");
      done();
      if (!made.alias_of) go(to("deliverability", made.name));
    });
  return (
    <Section
      title="Add a domain"
      about="This server takes its mail then, once its records are in the DNS. The next page shows them."
    >
      <Form run={run} problem={doing.problem} fields={["name", "alias_of"]} row>
        <Field
          label="Name"
          name="name"
          value={name}
          set={setName}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help="Such as example.org."
        />
        <Field
          label="With the addresses of"
          name="alias_of"
          value={alias}
          set={setAlias}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help="Empty: it has its own."
        />
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Add it
        </button>
      </Form>
    </Section>
  );
}

function One({ name, operator }: { name: string; operator: boolean }) {
  const asked = useAsk<Domain>(`/v1/domains/${part(name)}`);
  const danger = useDanger();
  const remove = (): void =>
    danger.open({
      ask: only(1),
      title: () => `domain is removed: ${name}`,
      body:
        "Its mail is refused from then on. It must have no accounts and aliases any more. Its DKIM keys " +
        "are deleted.",
      keep: "Keep it",
      go: () => `Remove ${name}`,
      run: () => act("DELETE", `/v1/domains/${part(name)}`),
      done: () => {
        say(`Removed: ${name}.`);
        go(to("domains"));
      },
    });
  return (
    <>
      <Head title={<bdi>{asked.data?.display_name ?? name}</bdi>} side="domain">
        <p className="actions">
          <Link className="btn btn--small" href={to("domains")}>
            All domains
          </Link>
          {operator ? (
            <button className="btn btn--small btn--danger" type="button" onClick={remove}>
              Remove…
            </button>
          ) : null}
        </p>
      </Head>
      <Answer of={asked} what="this domain">
        {(data) => (
          <>
            <Facts
              of={[
                ["Name", data.name, "mono"],
                [
                  "Addresses",
                  data.alias_of ? (
                    <>
                      those of <bdi>{data.alias_of}</bdi>
                    </>
                  ) : (
                    <Link href={to("accounts", { domain: data.name })}>its accounts</Link>
                  ),
                ],
                [
                  "DNS",
                  data.alias_of ? null : <Link href={to("deliverability", data.name)}>its records and checks</Link>,
                ],
              ]}
            />
            {data.alias_of ? null : (
              <>
                <Owner of={data} etag={asked.etag} done={asked.reload} />
                <InTheDns name={data.name} />
                <Keys name={data.name} />
              </>
            )}
          </>
        )}
      </Answer>
      {danger.dialog}
    </>
  );
}

function Owner({ of, etag, done }: { of: Domain; etag: string | null; done: () => void }) {
  const [owner, setOwner] = useState(of.owner ?? "");
  const doing = useDoing();
  const run = (): void =>
    void doing.run(async () => {
      await act("PATCH", `/v1/domains/${part(of.name)}`, { owner: owner.trim() }, etag);
      say(`Mail for postmaster and abuse of ${of.name} goes to ${owner.trim()}.`);
      done();
    });
  return (
    <Section title="Mail for postmaster and abuse" about="Each domain has to have somebody who reads it.">
      <Form run={run} problem={doing.problem} fields={["owner"]} row>
        <Field
          label="Account"
          name="owner"
          value={owner}
          set={setOwner}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
        />
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Save
        </button>
      </Form>
    </Section>
  );
}

/** All that belongs into the zone of this domain. */
function InTheDns({ name }: { name: string }) {
  const asked = useAsk<{ hostname: string; records: DnsRecord[] }>(`/v1/domains/${part(name)}/dns`);
  return (
    <Section
      title="Records"
      about="What belongs into the DNS of this domain, as the forms of whoever serves it ask for it."
      side={
        <p className="actions">
          <Link className="btn btn--small" href={to("deliverability", name)}>
            Check them
          </Link>
        </p>
      }
    >
      <Answer of={asked} what="what belongs into the zone">
        {({ records }) => <Zone of={records} label={`Records of ${name}`} />}
      </Answer>
    </Section>
  );
}

const keyStates = {
  next: { is: "waiting", word: "next" },
  active: { is: "good", word: "signs" },
  retired: { is: "dropped", word: "retired" },
} as const;

function Keys({ name }: { name: string }) {
  const asked = useAsk<{ keys: DkimKey[] }>(at("/v1/dkim", { domain: name }));
  const doing = useDoing();
  const danger = useDanger();
  const give = (path: string, words: string): void =>
    void doing.run(async () => {
      await act("POST", `/v1/domains/${part(name)}/dkim${path}`);
      say(words);
      asked.reload();
    });
  return (
    <Section
      title="DKIM keys"
      about={
        "With them this domain's mail is signed. Change them once a year: make the next ones, add their " +
        "records, then switch over."
      }
    >
      <Trouble problem={doing.problem} />
      <Answer of={asked} what="which keys sign">
        {({ keys }) => (
          <div className="stack">
            {keys.length === 0 ? (
              <Empty title="No keys.">Mail of this domain is not signed, and many refuse it.</Empty>
            ) : (
              <Table
                caption={`DKIM keys of ${name}`}
                rows={keys}
                keyOf={(one) => one.selector}
                columns={[
                  { head: "Selector", cell: (one) => <code>{one.selector}</code> },
                  { head: "State", lead: true, cell: (one) => <Mark {...keyStates[one.state]} /> },
                  { head: "Kind", cell: (one) => `${one.algorithm}${one.bits ? ` ${one.bits}` : ""}` },
                  { head: "Made", cell: (one) => <Time at={one.created} /> },
                ]}
              />
            )}
            {keys
              .filter((one) => one.state === "next" && one.record)
              .map((one) =>
                one.record ? (
                  <Records key={one.selector} of={[one.record]} label={`The record of ${one.selector}`} />
                ) : null,
              )}
            <p className="actions">
              {keys.length === 0 ? (
                <button className="btn" type="button" onClick={() => give("", "Made: keys, which sign from now on.")}>
                  Make keys
                </button>
              ) : null}
              {keys.some((one) => one.state === "active") && !keys.some((one) => one.state === "next") ? (
                <button
                  className="btn"
                  type="button"
                  onClick={() => give("/rotate", "Made: the next keys. Add their records now.")}
                >
                  Make the next ones
                </button>
              ) : null}
              {keys.some((one) => one.state === "next") ? (
                <button className="btn" type="button" onClick={() => give("/activate", "The next keys sign now.")}>
                  Sign with the next ones
                </button>
              ) : null}
              {keys.some((one) => one.state === "retired") ? (
                <button
                  className="btn btn--danger"
                  type="button"
                  onClick={() =>
                    danger.open({
                      ask: async () => ({ n: keys.filter((one) => one.state === "retired").length }),
                      title: (n) => `retired ${n === 1 ? "key is" : "keys are"} deleted`,
                      body: "Only those that were retired at least 7 days ago; remove their records from the DNS then.",
                      keep: "Keep them",
                      go: (n) => `Delete ${plural(n, "key")}`,
                      run: () => act("DELETE", `/v1/domains/${part(name)}/dkim`),
                      done: () => {
                        say("Deleted: the retired keys.");
                        asked.reload();
                      },
                    })
                  }
                >
                  Delete retired ones…
                </button>
              ) : null}
            </p>
          </div>
        )}
      </Answer>
      {danger.dialog}
    </Section>
  );
}
