// One account: why it can't send, its quota, password, rights, and its end.
import { useState } from "react";
import { type Account, type AccountShown, type Resolved, type Suspicion, type Symptom, act, at, part } from "../api";
import { count, plural, readSize, size } from "../format";
import { Link, to } from "../router";
import { only, useDanger } from "../ui/dialog";
import { Check, Field, Form } from "../ui/field";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Empty, Facts, Mark, Section, Sentence, Time, Trouble } from "../ui/parts";
import { Head } from "../ui/shell";
import { Table } from "../ui/table";
import type { State } from "../words";
import { say } from "../ui/toasts";
import { AppPasswords, Limits, Secret } from "./account_parts";
import { WhyNot } from "./why_not";
import { Rights, Remove } from "./account_rights";

const ways: Record<string, State> = {
  mailbox: { is: "good", word: "into a mailbox" },
  remote: { is: "good", word: "to another server" },
  expanded: { is: "note", word: "led on" },
  held: { is: "held", word: "held" },
};

/** Where mail for an address that is no account would go. */
function LeadsTo({ address }: { address: string }) {
  const asked = useAsk<Resolved>(`/v1/addresses/${part(address)}`);
  if (!asked.data) return null;
  const { leads_to: list, problem } = asked.data;
  return (
    <Section title="Where mail for it goes">
      {problem ? (
        <p>
          <Mark is="bad" word="refused" /> <bdi>{problem}</bdi>
        </p>
      ) : null}
      {list.length > 0 ? (
        <Table
          caption={`Where mail for ${address} goes`}
          rows={list.slice(0, 200)}
          keyOf={(one) => `${one.address} ${one.how}`}
          columns={[
            { head: "Address", cell: (one) => <bdi>{one.address}</bdi> },
            {
              head: "How",
              lead: true,
              cell: (one) => <Mark {...(ways[one.how] ?? { is: "unknown", word: one.how })} />,
            },
            { head: "Account", cell: (one) => (one.account ? <bdi>{one.account}</bdi> : null) },
            { head: "Why", cell: (one) => (one.why ? <bdi>{one.why}</bdi> : null) },
          ]}
        />
      ) : null}
    </Section>
  );
}

export function StateOf({ of }: { of: Account }) {
  if (of.disabled) return <Mark is="held" word="disabled" />;
  return of.has_password ? <Mark is="good" word="can log in" /> : <Mark is="note" word="no password" />;
}

export function One({ login, operator, mine }: { login: string; operator: boolean; mine: boolean }) {
  const asked = useAsk<AccountShown>(`/v1/accounts/${part(login)}`);
  const doctor = useAsk<{ findings: Symptom[] }>(`/v1/accounts/${part(login)}/doctor`);
  if (asked.problem?.status === 404) {
    return (
      <>
        <Head title="Accounts" />
        <Empty
          title={
            <>
              There is no account <bdi>{login}</bdi>.
            </>
          }
        >
          Is the login whole, and is there no typo? <Link href={to("accounts")}>All accounts</Link>
        </Empty>
        <LeadsTo address={login} />
      </>
    );
  }
  return (
    <>
      <Head title={<bdi>{login}</bdi>} side={mine ? "your own account" : "account"}>
        <p className="actions">
          <Link className="btn btn--small" href={to("trail", { q: login })}>
            Its mail
          </Link>
          <Link className="btn btn--small" href={to("accounts")}>
            All accounts
          </Link>
        </p>
      </Head>
      <Answer of={asked} what="this account">
        {(data) => (
          <>
            {data.suspicion ? <Taken of={data.suspicion} done={asked.reload} /> : null}
            <Facts
              of={[
                ["State", <StateOf of={data} />],
                [
                  "Mailbox",
                  `${plural(data.messages, "message")}, ${size(data.used)}${data.quota ? ` of ${size(data.quota)}` : ""}`,
                ],
                ["Addresses", data.addresses.length ? <bdi>{data.addresses.join(", ")}</bdi> : null],
                ["Aliases", data.aliases.length ? <bdi>{data.aliases.join(", ")}</bdi> : null],
                ["Reads postmaster of", data.owner_of.length ? <bdi>{data.owner_of.join(", ")}</bdi> : null],
                [
                  "Last login",
                  data.logins?.succeeded ? (
                    <>
                      <Time at={data.logins.succeeded.at} />, from <bdi>{data.logins.succeeded.address}</bdi>,{" "}
                      {data.logins.succeeded.protocol}
                    </>
                  ) : null,
                ],
                [
                  "Failed logins",
                  data.logins?.failures ? (
                    <>
                      {count(data.logins.failures)}, the last <Time at={data.logins.failed[0]?.at} />
                      {data.logins.slowed ? "; it is slowed" : ""}
                    </>
                  ) : null,
                ],
                ["Made", <Time at={data.created} />],
              ]}
            />
            <WhyNot login={login} doctor={doctor} />
            <Change of={data} etag={asked.etag} done={asked.reload} />
            <Entrance of={data} mine={mine} />
            <AppPasswords login={login} />
            <Limits login={login} change={operator} />
            <Rights login={login} operator={operator} />
            <Remove of={data} done={asked.reload} />
          </>
        )}
      </Answer>
    </>
  );
}

function Taken({ of, done }: { of: Suspicion; done: () => void }) {
  const doing = useDoing();
  const danger = useDanger();
  const path = `/v1/accounts/${part(of.login)}/suspicion`;
  const letGo = (): void =>
    void doing.run(async () => {
      const { released } = await act<{ released?: number }>("DELETE", path);
      say(`Released: ${plural(released ?? 0, "recipient")} of ${of.login}.`);
      done();
    });
  const drop = (): void =>
    danger.open({
      ask: async () => ({ n: of.held }),
      title: (n) => `held ${n === 1 ? "recipient is" : "recipients are"} dropped, of ${of.login}`,
      body: "What was held is not sent and nobody is told; the account may send again. This can't be undone.",
      keep: "Keep them held",
      go: (n) => `Drop ${plural(n, "recipient")}`,
      run: () => act("DELETE", at(path, { drop: true })),
      done: (n) => {
        say(`Dropped: ${plural(n, "recipient")}.`);
        done();
      },
    });
  return (
    <Sentence
      small
      label="The account in one sentence"
      state={{ is: "held", word: "Held" }}
      main={
        <>
          What it sends is held since <Time at={of.since} />: it looks taken over.
        </>
      }
      why={
        <>
          <bdi>{of.reason}</bdi> Give it another password first, then let the {plural(of.held, "held recipient")} go, or
          drop them.
        </>
      }
    >
      <Trouble problem={doing.problem} />
      <p className="actions">
        <a className="btn" href="#entrance">
          Another password
        </a>
        <button className="btn" type="button" onClick={letGo}>
          Let it go
        </button>
        {of.held > 0 ? (
          <button className="btn btn--danger" type="button" onClick={drop}>
            Drop…
          </button>
        ) : null}
      </p>
      {danger.dialog}
    </Sentence>
  );
}

function Change({ of, etag, done }: { of: AccountShown; etag: string | null; done: () => void }) {
  const [quota, setQuota] = useState(of.quota ? size(of.quota).replace(/ /g, "") : "0");
  const [disabled, setDisabled] = useState(of.disabled);
  const doing = useDoing();
  const octets = readSize(quota);
  const run = (): void => {
    if (octets === null) return;
    void doing.run(async () => {
      await act(
        "PATCH",
        `/v1/accounts/${part(of.login)}`,
        { quota: quota === size(of.quota).replace(/ /g, "") ? of.quota : octets, disabled },
        etag,
      );
      say(`Saved: ${of.login}.`);
      done();
    });
  };
  const problem =
    octets === null
      ? {
          status: 0,
          code: "invalid",
          title: "",
          detail: "Write a size such as 500MiB or 2G.",
          field: "quota",
          asked: "",
        }
      : doing.problem;
  const changed = doing.problem?.code === "changed";
  return (
    <Section title="Quota and state">
      {changed ? (
        <p className="actions">
          <button
            className="btn btn--small"
            type="button"
            onClick={() => {
              doing.clear();
              done();
            }}
          >
            Load it again
          </button>
        </p>
      ) : null}
      <Form run={run} problem={doing.problem} fields={["quota"]}>
        <Field
          label="Quota"
          name="quota"
          value={quota}
          set={setQuota}
          problem={problem}
          help="Such as 500MiB or 2G. 0 is none."
        />
        <Check label="Disabled: nobody can log in, and mail for it is refused" value={disabled} set={setDisabled} />
        <p className="actions">
          <button className="btn btn--primary" type="submit" aria-disabled={doing.busy}>
            Save
          </button>
        </p>
      </Form>
    </Section>
  );
}

function Entrance({ of, mine }: { of: AccountShown; mine: boolean }) {
  const [password, setPassword] = useState("");
  const [link, setLink] = useState<{ url: string; expires: string }>();
  const doing = useDoing();
  const making = useDoing();
  const danger = useDanger();
  const set = (): void =>
    void doing.run(async () => {
      await act("POST", `/v1/accounts/${part(of.login)}/password`, { password });
      setPassword("");
      say(`Another password: ${of.login}. Its sessions have ended.`);
    });
  const makeLink = (): void =>
    void making.run(async () =>
      setLink(await act<{ url: string; expires: string }>("POST", `/v1/accounts/${part(of.login)}/reset-link`)),
    );
  const endSessions = (): void =>
    void making.run(async () => {
      const { ended } = await act<{ ended: number }>("DELETE", `/v1/accounts/${part(of.login)}/sessions`);
      say(`Ended: ${plural(ended, "session")} of ${of.login}.`);
    });
  const noFactor = (): void =>
    danger.open({
      ask: only(1),
      title: () => `second step is taken from ${of.login}`,
      body: "Its password alone opens the console then. Do so only when you know that its owner asks.",
      keep: "Keep it",
      go: () => "Take it away",
      run: () => act("DELETE", `/v1/accounts/${part(of.login)}/totp`),
      done: () => say(`Taken away: the second step of ${of.login}.`),
    });
  return (
    <Section id="entrance" title="Password" about="Best is a link: its owner sets a password that nobody else knows.">
      {link ? (
        <Secret title="The address for its owner." text={link.url} what="the address">
          <p className="small">
            It works once, until <Time at={link.expires} />.
          </p>
        </Secret>
      ) : null}
      <Trouble problem={making.problem} what="an address with which a password is set" />
      <p className="actions">
        <button className="btn" type="button" onClick={makeLink}>
          Make a link for its owner
        </button>
        {mine ? null : (
          <>
            <button className="btn" type="button" onClick={endSessions}>
              End its sessions
            </button>
            <button className="btn btn--danger" type="button" onClick={noFactor}>
              Its phone is lost…
            </button>
          </>
        )}
      </p>
      <details>
        <summary>Set one here</summary>
        <Form run={set} problem={doing.problem} fields={["password"]} row>
          <Field
            label="New password"
            name="password"
            value={password}
            set={setPassword}
            type="password"
            autoComplete="new-password"
            problem={doing.problem}
            help="At least 8 characters. Its sessions end."
          />
          <button className="btn" type="submit" aria-disabled={doing.busy}>
            Set it
          </button>
        </Form>
      </details>
      {danger.dialog}
    </Section>
  );
}
