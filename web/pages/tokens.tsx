// Tokens: what programs ask the API with.
import { useState } from "react";
import { type Token, act, serverNow } from "../api";
import { type Role, roleOf } from "../words";
import { only, useDanger } from "../ui/dialog";
import { Choice, Field, Form } from "../ui/field";
import { useDoing, usePages } from "../ui/hooks";
import { Empty, Loading, Mark, Pager, Section, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import { Secret } from "./account_parts";
import type { PageProps } from "./page";

/** What a token may do (docs/api.md), and who has use for it; whether who asks may give it the server decides. */
const scopes: readonly (readonly [string, string, Role])[] = [
  ["mail.send", "send mail", "account"],
  ["trails.read", "see the trails of messages", "account"],
  ["queue.read", "see what waits", "account"],
  ["queue.write", "release, retry, hold and drop what waits", "account"],
  ["events.read", "hear what happens", "account"],
  ["accounts.read", "see accounts, limits and app passwords", "account"],
  ["accounts.write", "change accounts and aliases", "account"],
  ["hooks.read", "see hooks", "account"],
  ["hooks.write", "change hooks", "account"],
  ["suppressions.read", "see whom programs send nothing to any more", "account"],
  ["suppressions.write", "change whom programs send nothing to", "account"],
  ["domains.read", "see domains and their records", "domain"],
  ["domains.write", "change domains and DKIM keys", "domain"],
  ["rights.read", "see who may do what", "domain"],
  ["rights.write", "take rights and tokens away", "domain"],
  ["lists.read", "see the block and allow lists", "operator"],
  ["lists.write", "change the block and allow lists", "operator"],
  ["server.read", "see how the server does", "operator"],
  ["server.write", "reload and back up", "operator"],
  ["metrics.read", "read the metrics", "operator"],
  ["mail.read", "read what is in your own mail, and reports", "account"],
  ["mail.write", "bring mail into mailboxes", "operator"],
];

const ranks: readonly Role[] = ["account", "domain", "operator"];

export function TokensPage({ me }: PageProps) {
  const pages = usePages<Token>("/v1/tokens", "tokens");
  const danger = useDanger();
  const remove = (one: Token): void =>
    danger.open({
      ask: only(1),
      title: () => `token is taken away: ${one.label}`,
      body: (
        <>
          What uses it is refused from then on.{" "}
          {one.used ? (
            <>
              It was used <Time at={one.used} away />.
            </>
          ) : (
            "It was never used."
          )}{" "}
          This can't be undone.
        </>
      ),
      keep: "Keep it",
      go: () => `Take ${one.label} away`,
      run: () => act("DELETE", `/v1/tokens/${one.id}`),
      done: () => {
        say(`Taken away: ${one.label}.`);
        pages.reload();
      },
    });
  const now = serverNow().getTime();
  return (
    <>
      <Head title="Tokens" side="for programs" />
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="which tokens there are" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the tokens" />
        ) : null
      ) : pages.items.length === 0 ? (
        <Empty title="No token.">A program asks the API with one; what it may do is said when it is made.</Empty>
      ) : (
        <Table
          caption="Tokens"
          rows={pages.items}
          keyOf={(one) => String(one.id)}
          columns={[
            {
              head: "Name",
              cell: (one) => (
                <>
                  <bdi>{one.label}</bdi>{" "}
                  <span className="sub">
                    <bdi>{one.login || "the server's own"}</bdi>
                  </span>
                </>
              ),
            },
            {
              head: "State",
              lead: true,
              cell: (one) =>
                one.expires && Date.parse(one.expires) < now ? (
                  <Mark is="dropped" word="expired" />
                ) : (
                  <Mark is="good" word="works" />
                ),
            },
            {
              head: "May",
              cell: (one) => (
                <div>
                  <bdi>{one.scopes.join(", ")}</bdi>
                  {one.domains.length ? (
                    <span className="sub">
                      only for <bdi>{one.domains.join(", ")}</bdi>
                    </span>
                  ) : null}
                  {one.networks.length ? (
                    <span className="sub">
                      only from <bdi>{one.networks.join(", ")}</bdi>
                    </span>
                  ) : null}
                </div>
              ),
            },
            {
              head: "Last used",
              cell: (one) => (
                <>
                  <Time at={one.used} />
                  {one.used_from ? (
                    <>
                      , from <bdi>{one.used_from}</bdi>
                    </>
                  ) : null}
                </>
              ),
            },
            { head: "Until", cell: (one) => <Time at={one.expires} /> },
            {
              head: <span className="sr">What to do</span>,
              num: true,
              cell: (one) => (
                <button className="btn btn--small btn--danger" type="button" onClick={() => remove(one)}>
                  Take away…<span className="sr"> {one.label}</span>
                </button>
              ),
            },
          ]}
        />
      )}
      <Pager of={pages} name="the tokens" />
      {me.login ? (
        <Add role={roleOf(me)} done={pages.reload} />
      ) : (
        <p className="more">
          Tokens belong to accounts: log in as yourself to make one, or use <code>paquebot token add</code> on the
          machine.
        </p>
      )}
      {danger.dialog}
    </>
  );
}

function Add({ role, done }: { role: Role; done: () => void }) {
  const [label, setLabel] = useState("");
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const [networks, setNetworks] = useState("");
  const [domains, setDomains] = useState("");
  const [days, setDays] = useState("90");
  const [made, setMade] = useState<Token & { token: string }>();
  const doing = useDoing();
  const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
  const run = (): void =>
    void doing.run(async () => {
      const expires =
        days === "" ? {} : { expires: new Date(serverNow().getTime() + Number(days) * 86_400_000).toISOString() };
      setMade(
        await act<Token & { token: string }>("POST", "/v1/tokens", {
          label: label.trim(),
          scopes: [...picked],
          ...(words(networks).length ? { networks: words(networks) } : {}),
          ...(words(domains).length ? { domains: words(domains) } : {}),
          ...expires,
        }),
      );
      setLabel("");
      setPicked(new Set());
      done();
    });
  const turn = (scope: string): void => {
    const next = new Set(picked);
    if (!next.delete(scope)) next.add(scope);
    setPicked(next);
  };
  const scopeProblem = doing.problem?.field === "scopes" ? doing.problem : undefined;
  return (
    <Section title="Make a token" about="Never with more than you may do yourself.">
      {made ? <Secret title={`The token ${made.label}.`} text={made.token} what="the token" /> : null}
      <Form run={run} problem={doing.problem} fields={["label", "scopes", "networks", "domains", "expires"]}>
        <Field
          label="Name"
          name="label"
          value={label}
          set={setLabel}
          problem={doing.problem}
          help="Such as shop or backup: who uses it."
        />
        <fieldset className="scopes" aria-describedby={scopeProblem ? "scopes-error" : undefined}>
          <legend>It may</legend>
          {scopes
            .filter(([, , least]) => ranks.indexOf(least) <= ranks.indexOf(role))
            .map(([scope, words]) => (
              <label key={scope} className="check">
                <input type="checkbox" checked={picked.has(scope)} onChange={() => turn(scope)} />{" "}
                <span>
                  {words} <code className="quiet">{scope}</code>
                </span>
              </label>
            ))}
          {scopeProblem ? (
            <p className="error" id="scopes-error" role="alert">
              <Mark is="bad" word="Not taken" /> <bdi>{scopeProblem.detail}</bdi>
            </p>
          ) : null}
        </fieldset>
        <div className="form-row">
          <Field
            label="Only from"
            name="networks"
            value={networks}
            set={setNetworks}
            problem={doing.problem}
            help="Addresses or networks; empty: any."
          />
          {role === "account" ? null : (
            <Field
              label="Only for domains"
              name="domains"
              value={domains}
              set={setDomains}
              problem={doing.problem}
              help="Empty: all within your reach."
            />
          )}
          <Choice
            label="Until"
            name="expires"
            value={days}
            set={setDays}
            problem={doing.problem}
            options={[
              ["7", "7 days from now"],
              ["90", "90 days from now"],
              ["365", "a year from now"],
              ["", "it is taken away"],
            ]}
          />
        </div>
        <p className="actions">
          <button className="btn btn--primary" type="submit" aria-disabled={doing.busy}>
            Make it
          </button>
        </p>
      </Form>
    </Section>
  );
}
