// What an account looks after, and its end.
import { useState } from "react";
import { type AccountShown, type Right, act, at, part } from "../api";
import { go, to } from "../router";
import { only, useDanger } from "../ui/dialog";
import { Field, Form } from "../ui/field";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Section, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { say } from "../ui/toasts";

export function Rights({ login, operator }: { login: string; operator: boolean }) {
  const asked = useAsk<{ rights: Right[] }>("/v1/rights?limit=1000");
  const [domain, setDomain] = useState("");
  const doing = useDoing();
  const danger = useDanger();
  const give = (body: object, words: string): void =>
    void doing.run(async () => {
      await act("POST", "/v1/rights", { login, ...body });
      setDomain("");
      say(words);
      asked.reload();
    });
  const take = (one: Right): void =>
    danger.open({
      ask: only(1),
      title: () => `right is taken from ${login}: ${one.domain ?? "the whole server"}`,
      body: "It may no longer see and change what it looked after.",
      keep: "Keep it",
      go: () => "Take it away",
      run: () => act("DELETE", at(`/v1/rights/${part(login)}`, { domain: one.domain })),
      done: () => asked.reload(),
    });
  return (
    <Section title="What it looks after">
      <Answer of={asked} what="who looks after what">
        {({ rights }) => {
          const own = rights.filter((one) => one.login === login);
          return own.length === 0 ? (
            <p className="small quiet">Nothing but its own things.</p>
          ) : (
            <Table
              caption={`Rights of ${login}`}
              rows={own}
              keyOf={(one) => one.domain ?? ""}
              columns={[
                { head: "What", cell: (one) => (one.domain ? <bdi>{one.domain}</bdi> : "the whole server") },
                { head: "As", cell: (one) => one.role },
                {
                  head: <span className="sr">What to do</span>,
                  num: true,
                  lead: true,
                  cell: (one) => (
                    <button className="btn btn--small btn--danger" type="button" onClick={() => take(one)}>
                      Take away…<span className="sr"> {one.domain ?? "the whole server"}</span>
                    </button>
                  ),
                },
              ]}
            />
          );
        }}
      </Answer>
      <details>
        <summary>Let it look after more</summary>
        <Form
          run={() => give({ domain: domain.trim() }, `${login} looks after ${domain.trim()} now.`)}
          problem={doing.problem}
          fields={["domain"]}
          row
        >
          <Field
            label="Domain"
            name="domain"
            value={domain}
            set={setDomain}
            problem={doing.problem}
            autoCapitalize="off"
            spellCheck={false}
          />
          <button className="btn" type="submit" aria-disabled={doing.busy}>
            Let it
          </button>
          {operator ? (
            <button
              className="btn"
              type="button"
              onClick={() => give({ operator: true }, `${login} looks after the whole server now.`)}
            >
              The whole server
            </button>
          ) : null}
        </Form>
      </details>
      {danger.dialog}
    </Section>
  );
}

export function Remove({ of, done }: { of: AccountShown; done: () => void }) {
  const doing = useDoing();
  const danger = useDanger();
  const path = `/v1/accounts/${part(of.login)}`;
  const hold = (): void =>
    void doing.run(async () => {
      await act("POST", `${path}/suspicion`, {});
      say(`What ${of.login} sends is held from now on.`);
      done();
    });
  const remove = (): void =>
    danger.open({
      ask: async () => ({ n: Math.max(1, (await act<AccountShown>("GET", path)).messages) }),
      title: (n) =>
        of.messages > 0
          ? `${n === 1 ? "message is" : "messages are"} removed, with the account ${of.login}`
          : `account is removed: ${of.login}`,
      body: "All its mail is gone, and mail for it is refused from then on. This can't be undone.",
      keep: "Keep the account",
      go: () => `Remove ${of.login}`,
      run: () => act("DELETE", path),
      done: () => {
        say(`Removed: ${of.login}.`);
        go(to("accounts"));
      },
    });
  return (
    <Section title="Hold or remove">
      <Trouble problem={doing.problem} />
      <p className="actions">
        {of.suspicion ? null : (
          <button className="btn" type="button" onClick={hold}>
            Hold what it sends
          </button>
        )}
        <button className="btn btn--danger" type="button" onClick={remove}>
          Remove the account…
        </button>
      </p>
      {danger.dialog}
    </Section>
  );
}
