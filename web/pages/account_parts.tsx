// Parts of an account that its owner and who looks after its domain both see.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { type AppPassword, type Limit, act, at, part } from "../api";
import { count, size } from "../format";
import { only, useDanger } from "../ui/dialog";
import { Field, Form } from "../ui/field";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Bar, Copy, Empty, Section, Time } from "../ui/parts";
import { Table } from "../ui/table";
import { say } from "../ui/toasts";

export const base = (login: string): string => `/v1/accounts/${part(login)}`;

/** Something that is shown once. */
export function Secret({
  title,
  text,
  what,
  children,
}: {
  title: string;
  text: string;
  what: string;
  children?: ReactNode;
}) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current?.focus(), [text]);
  return (
    <div className="secret stack" ref={box} tabIndex={-1} role="status">
      <p>
        <b>{title}</b> It is not stored in this form and can't be shown again.
      </p>
      <Copy text={text} what={what} />
      {children}
    </div>
  );
}

export function AppPasswords({ login }: { login: string }) {
  const asked = useAsk<{ app_passwords: AppPassword[] }>(at(`${base(login)}/app-passwords`, { limit: 200 }));
  const [label, setLabel] = useState("");
  const [made, setMade] = useState<{ label: string; password: string }>();
  const doing = useDoing();
  const danger = useDanger();
  const make = (): void =>
    void doing.run(async () => {
      setMade(
        await act<{ label: string; password: string }>("POST", `${base(login)}/app-passwords`, { label: label.trim() }),
      );
      setLabel("");
      asked.reload();
    });
  const revoke = (one: AppPassword): void =>
    danger.open({
      ask: only(1),
      title: () => `app password is revoked: ${one.label}`,
      body: (
        <>
          What uses it can no longer send or fetch, and its sessions end.{" "}
          {one.used ? (
            <>
              It was used <Time at={one.used} away />.
            </>
          ) : (
            "It was never used."
          )}{" "}
          This can't be undone; another can be made.
        </>
      ),
      keep: "Keep it",
      go: () => `Revoke ${one.label}`,
      run: () => act("DELETE", `${base(login)}/app-passwords/${part(one.label)}`),
      done: () => {
        say(`Revoked: ${one.label}.`);
        asked.reload();
      },
    });
  return (
    <Section
      id="app-passwords"
      title="App passwords"
      about="One for each program, so that one can be taken back without the others."
    >
      {made ? <Secret title={`The password for ${made.label}.`} text={made.password} what="the password" /> : null}
      <Answer of={asked} what="app passwords">
        {({ app_passwords: list }) =>
          list.length === 0 ? (
            <Empty title="None yet.">Make one for each program that sends or fetches mail.</Empty>
          ) : (
            <Table
              caption={`App passwords of ${login}`}
              rows={list}
              keyOf={(one) => one.label}
              columns={[
                { head: "Name", cell: (one) => <bdi>{one.label}</bdi> },
                { head: "Made", cell: (one) => <Time at={one.created} /> },
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
                {
                  head: <span className="sr">What to do</span>,
                  num: true,
                  lead: true,
                  cell: (one) => (
                    <button className="btn btn--small btn--danger" type="button" onClick={() => revoke(one)}>
                      Revoke…<span className="sr"> {one.label}</span>
                    </button>
                  ),
                },
              ]}
            />
          )
        }
      </Answer>
      <Form run={make} problem={doing.problem} fields={["label"]} row>
        <Field
          label="A name for the next one"
          name="label"
          value={label}
          set={setLabel}
          problem={doing.problem}
          help="It is shown once, right after it is made."
        />
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Make one
        </button>
      </Form>
      {danger.dialog}
    </Section>
  );
}

const limitNames: Record<string, string> = {
  messages_per_hour: "Messages an hour",
  messages_per_day: "Messages a day",
  recipients_per_message: "Recipients of one message",
  recipients_per_day: "Recipients a day",
  new_recipients_per_day: "New recipients a day",
  bytes_per_day: "Octets a day",
};

const limitName = (name: string): string => limitNames[name] ?? name.replace(/_/g, " ");

export function Limits({
  login,
  change,
  mailbox,
}: {
  login: string;
  change?: boolean;
  mailbox?: { used: number; quota: number } | undefined;
}) {
  const asked = useAsk<{ limits: Limit[] }>(`${base(login)}/limits`);
  const amount = (one: Limit, n: number): string => (one.name.startsWith("bytes") ? size(n) : count(n));
  return (
    <Section
      id="limits"
      title="Limits"
      about={
        `What ${change ? "it has" : "you have"} sent, of what may be sent. Over a limit the ` +
        "program is told to try later; nothing is lost."
      }
    >
      <Answer of={asked} what="the limits">
        {({ limits }) => {
          const rows = [
            ...limits,
            ...(mailbox && mailbox.quota > 0
              ? [{ name: "bytes of the mailbox", used: mailbox.used, most: mailbox.quota, own: true, until: null }]
              : []),
          ];
          return (
            <>
              <Table
                caption={`Limits of ${login}`}
                rows={rows}
                keyOf={(one) => one.name}
                columns={[
                  {
                    head: "Limit",
                    cell: (one) => (
                      <>
                        {one.name === "bytes of the mailbox" ? "Mailbox" : limitName(one.name)}
                        {change && one.own && one.name in limitNames ? <span className="sub">of its own</span> : null}
                      </>
                    ),
                  },
                  {
                    head: "Used",
                    num: true,
                    lead: true,
                    cell: (one) =>
                      one.name === "recipients_per_message"
                        ? one.most
                          ? `at most ${count(one.most)}`
                          : "any"
                        : one.most
                          ? `${amount(one, one.used)} of ${amount(one, one.most)}`
                          : `${amount(one, one.used)}, no limit`,
                  },
                  {
                    head: "Share",
                    cell: (one) =>
                      one.most && one.name !== "recipients_per_message" ? (
                        <Bar part={one.used} whole={one.most} />
                      ) : null,
                  },
                  {
                    head: "Begins anew",
                    cell: (one) =>
                      one.until ? (
                        <Time at={one.until} />
                      ) : one.name === "bytes of the mailbox" ? (
                        "when mail is deleted"
                      ) : null,
                  },
                ]}
              />
              {change ? <ChangeLimit login={login} limits={limits} done={asked.reload} /> : null}
            </>
          );
        }}
      </Answer>
    </Section>
  );
}

function ChangeLimit({ login, limits, done }: { login: string; limits: readonly Limit[]; done: () => void }) {
  const [name, setName] = useState(limits[0]?.name ?? "");
  const [most, setMost] = useState("");
  const doing = useDoing();
  const run = (): void =>
    void doing.run(async () => {
      const text = most.trim();
      await act("PATCH", `${base(login)}/limits`, { [name]: text === "" ? null : Number(text.replace(/,/g, "")) });
      say(
        text === ""
          ? `${limitName(name)}: the general limit holds for ${login}.`
          : `${limitName(name)}: ${text === "0" ? "no limit" : text} for ${login}.`,
      );
      setMost("");
      done();
    });
  return (
    <details>
      <summary>Change a limit</summary>
      <Form run={run} problem={doing.problem} fields={[]} row>
        <div className="field">
          <label htmlFor="limit-name">Limit</label>
          <select className="input" id="limit-name" value={name} onChange={(event) => setName(event.target.value)}>
            {limits.map((one) => (
              <option key={one.name} value={one.name}>
                {limitName(one.name)}
              </option>
            ))}
          </select>
        </div>
        <Field
          label="Most"
          name="most"
          value={most}
          set={setMost}
          inputMode="numeric"
          help="0 is no limit; empty is the general one."
        />
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Save
        </button>
      </Form>
    </details>
  );
}
