// Accounts and aliases of the domains within reach.
import { useState } from "react";
import { type Account, type Suspicion, act } from "../api";
import { count, justBefore, plural, readSize, size } from "../format";
import { Link, go, to } from "../router";
import { roleOf } from "../words";
import { Field, Form } from "../ui/field";
import { useAsk, useDoing, usePages } from "../ui/hooks";
import { Empty, Loading, Pager, Section, Sentence, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import type { PageProps } from "./page";
import { StateOf, One } from "./account";
import { Aliases } from "./aliases";

export function AccountsPage({ me, place }: PageProps) {
  const login = place.parts[1];
  const operator = roleOf(me) === "operator";
  if (login) return <One key={login} login={login} operator={operator} mine={login === me.login} />;
  const view = place.query.get("view") === "aliases" ? "aliases" : "accounts";
  const domain = place.query.get("domain") ?? "";
  const from = place.query.get("from") ?? "";
  return (
    <>
      <Head title="Accounts" side={domain ? <bdi>{domain}</bdi> : null}>
        {domain ? (
          <p className="actions">
            <Link className="btn btn--small" href={to("accounts", { view })}>
              Of all domains
            </Link>
          </p>
        ) : null}
      </Head>
      {view === "accounts" ? <Suspected /> : null}
      <nav className="tabs" aria-label="Views">
        <Link href={to("accounts", { domain })} aria-current={view === "accounts" ? "page" : undefined}>
          Accounts
        </Link>
        <Link href={to("accounts", { view: "aliases", domain })} aria-current={view === "aliases" ? "page" : undefined}>
          Aliases
        </Link>
      </nav>
      {view === "accounts" ? <All key={from} domain={domain} from={from} /> : <Aliases domain={domain} />}
    </>
  );
}

function Suspected() {
  const asked = useAsk<{ suspicions: Suspicion[] }>("/v1/suspicions?limit=20");
  const list = asked.data?.suspicions ?? [];
  const first = list[0];
  if (!first) return null;
  return (
    <Sentence
      small
      label="Accounts in one sentence"
      state={{ is: "held", word: "Held" }}
      main={
        <>
          What <bdi>{first.login}</bdi> sends is held since <Time at={first.since} />
          {list.length > 1 ? `, and that of ${plural(list.length - 1, "other account")}` : ""}.
        </>
      }
      why={<bdi>{first.reason}</bdi>}
    >
      <p className="actions">
        {list.slice(0, 5).map((one) => (
          <Link key={one.login} className="btn" href={to("accounts", one.login)}>
            <bdi>{one.login}</bdi>
          </Link>
        ))}
      </p>
    </Sentence>
  );
}

export function All({ domain, from }: { domain: string; from: string }) {
  const pages = usePages<Account>("/v1/accounts", "accounts", { domain }, 100, justBefore(from));
  const [sought, setSought] = useState(from);
  const open = (): void => {
    const login = sought.trim().toLowerCase();
    go(/@./.test(login) ? to("accounts", login) : to("accounts", { domain, from: login }));
  };
  return (
    <>
      <form
        className="search"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          open();
        }}
      >
        <label className="sr" htmlFor="login">
          Find an account
        </label>
        <div className="search__row">
          <input
            className="input"
            id="login"
            type="search"
            value={sought}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            aria-describedby="login-help"
            onChange={(event) => setSought(event.target.value)}
          />
          <button className="btn" type="submit">
            Find
          </button>
        </div>
        <p className="help" id="login-help">
          The whole login opens the account; its beginning starts the list there.
        </p>
      </form>
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="which accounts there are" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the accounts" />
        ) : null
      ) : pages.items.length === 0 ? (
        from ? (
          <Empty
            title={
              <>
                No account at <bdi>{from}</bdi> or behind it.
              </>
            }
          >
            <Link href={to("accounts", { domain })}>List from the beginning</Link>
          </Empty>
        ) : (
          <Empty title="No account.">Who has a mailbox here is listed.</Empty>
        )
      ) : (
        <Table
          caption="Accounts"
          rows={pages.items}
          keyOf={(one) => one.login}
          columns={[
            {
              head: "Login",
              cell: (one) => (
                <Link href={to("accounts", one.login)}>
                  <bdi>{one.login}</bdi>
                </Link>
              ),
            },
            { head: "State", lead: true, cell: (one) => <StateOf of={one} /> },
            { head: "Messages", num: true, cell: (one) => count(one.messages) },
            {
              head: "Mailbox",
              num: true,
              cell: (one) => (one.quota ? `${size(one.used)} of ${size(one.quota)}` : size(one.used)),
            },
            { head: "Made", cell: (one) => <Time at={one.created} /> },
          ]}
        />
      )}
      <Pager of={pages} name="the accounts" />
      <Add done={pages.reload} domain={domain} />
    </>
  );
}

export function Add({ done, domain }: { done: () => void; domain: string }) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [quota, setQuota] = useState("");
  const doing = useDoing();
  const wrong = quota.trim() !== "" && readSize(quota) === null;
  const run = (): void => {
    if (wrong) return;
    void doing.run(async () => {
      const made = await act<Account>("POST", "/v1/accounts", {
        login: login.trim(),
        ...(password ? { password } : {}),
        ...(quota.trim() ? { quota: readSize(quota) } : {}),
      });
      say(`Made: ${made.login}.`);
      setLogin("");
      setPassword("");
      done();
      go(to("accounts", made.login));
    });
  };
  const quotaProblem = wrong
    ? { status: 0, code: "invalid", title: "", detail: "Write a size such as 500MiB or 2G.", field: "quota", asked: "" }
    : doing.problem;
  return (
    <Section
      title="Make an account"
      about="With a mailbox. Without a password nobody can log in; a link to set one can be made on its page."
    >
      <Form run={run} problem={doing.problem} fields={["login", "password", "quota"]} row>
        <Field
          label="Login"
          name="login"
          value={login}
          set={setLogin}
          problem={doing.problem}
          type="email"
          autoCapitalize="off"
          spellCheck={false}
          help={domain ? `Such as ann@${domain}.` : "A whole address of one of your domains."}
        />
        <Field
          label="Password"
          name="password"
          value={password}
          set={setPassword}
          problem={doing.problem}
          type="password"
          autoComplete="new-password"
          help="At least 8 characters, or empty."
        />
        <Field
          label="Quota"
          name="quota"
          value={quota}
          set={setQuota}
          problem={quotaProblem}
          help="Such as 500MiB or 2G; empty is none."
        />
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Make it
        </button>
      </Form>
    </Section>
  );
}
