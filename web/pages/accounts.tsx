// Accounts and aliases of the domains within reach.
import { useState } from "react";
import { type Account, type AccountShown, type Alias, type Right, type Suspicion, type Symptom, act, at, part } from "../api";
import { count, justBefore, plural, readSize, size } from "../format";
import { Link, go, to } from "../router";
import { roleOf } from "../words";
import { only, useDanger } from "../ui/dialog";
import { Check, Field, Form } from "../ui/field";
import { useAsk, useDoing, usePages } from "../ui/hooks";
import { Answer, Empty, Facts, Loading, Mark, Pager, Section, Sentence, Table, Time, Trouble } from "../ui/parts";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import { AppPasswords, Limits, Secret, WhyNot } from "./account_parts";
import type { PageProps } from "./page";

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
        {domain ? <p className="actions"><Link className="btn btn--small" href={to("accounts", { view })}>Of all domains</Link></p> : null}
      </Head>
      {view === "accounts" ? <Suspected /> : null}
      <nav className="tabs" aria-label="Views">
        <Link href={to("accounts", { domain })} aria-current={view === "accounts" ? "page" : undefined}>Accounts</Link>
        <Link href={to("accounts", { view: "aliases", domain })} aria-current={view === "aliases" ? "page" : undefined}>Aliases</Link>
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
    <Sentence small label="Accounts in one sentence" state={{ is: "held", word: "Held" }}
      main={<>What <bdi>{first.login}</bdi> sends is held since <Time at={first.since} />{list.length > 1 ? `, and that of ${plural(list.length - 1, "other account")}` : ""}.</>}
      why={<bdi>{first.reason}</bdi>}>
      <p className="actions">{list.slice(0, 5).map((one) => <Link key={one.login} className="btn" href={to("accounts", one.login)}><bdi>{one.login}</bdi></Link>)}</p>
    </Sentence>
  );
}

function All({ domain, from }: { domain: string; from: string }) {
  const pages = usePages<Account>("/v1/accounts", "accounts", { domain }, 100, justBefore(from));
  const [sought, setSought] = useState(from);
  const open = (): void => {
    const login = sought.trim().toLowerCase();
    go(/@./.test(login) ? to("accounts", login) : to("accounts", { domain, from: login }));
  };
  return (
    <>
      <form className="search" role="search" onSubmit={(event) => { event.preventDefault(); open(); }}>
        <label className="sr" htmlFor="login">Find an account</label>
        <div className="search__row">
          <input className="input" id="login" type="search" value={sought} autoComplete="off" autoCapitalize="off" spellCheck={false} aria-describedby="login-help" onChange={(event) => setSought(event.target.value)} />
          <button className="btn" type="submit">Find</button>
        </div>
        <p className="help" id="login-help">The whole login opens the account; its beginning starts the list there.</p>
      </form>
      {pages.problem && !pages.items ? <Trouble problem={pages.problem} what="which accounts there are" again={pages.reload} /> : null}
      {!pages.items ? (pages.slow ? <Loading what="the accounts" /> : null) : pages.items.length === 0 ? (
        from ? <Empty title={<>No account at <bdi>{from}</bdi> or behind it.</>}><Link href={to("accounts", { domain })}>List from the beginning</Link></Empty>
          : <Empty title="No account.">Who has a mailbox here is listed.</Empty>
      ) : (
        <Table caption="Accounts" rows={pages.items} keyOf={(one) => one.login} columns={[
          { head: "Login", cell: (one) => <Link href={to("accounts", one.login)}><bdi>{one.login}</bdi></Link> },
          { head: "State", lead: true, cell: (one) => <StateOf of={one} /> },
          { head: "Messages", num: true, cell: (one) => count(one.messages) },
          { head: "Mailbox", num: true, cell: (one) => (one.quota ? `${size(one.used)} of ${size(one.quota)}` : size(one.used)) },
          { head: "Made", cell: (one) => <Time at={one.created} /> },
        ]} />
      )}
      <Pager of={pages} name="the accounts" />
      <Add done={pages.reload} domain={domain} />
    </>
  );
}

function StateOf({ of }: { of: Account }) {
  if (of.disabled) return <Mark is="held" word="disabled" />;
  return of.has_password ? <Mark is="good" word="can log in" /> : <Mark is="note" word="no password" />;
}

function Add({ done, domain }: { done: () => void; domain: string }) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [quota, setQuota] = useState("");
  const doing = useDoing();
  const wrong = quota.trim() !== "" && readSize(quota) === null;
  const run = (): void => {
    if (wrong) return;
    void doing.run(async () => {
      const made = await act<Account>("POST", "/v1/accounts", { login: login.trim(), ...(password ? { password } : {}), ...(quota.trim() ? { quota: readSize(quota) } : {}) });
      say(`Made: ${made.login}.`);
      setLogin("");
      setPassword("");
      done();
      go(to("accounts", made.login));
    });
  };
  const quotaProblem = wrong ? { status: 0, code: "invalid", title: "", detail: "Write a size such as 500MiB or 2G.", field: "quota", asked: "" } : doing.problem;
  return (
    <Section title="Make an account" about="With a mailbox. Without a password nobody can log in; a link to set one can be made on its page.">
      <Form run={run} problem={doing.problem} fields={["login", "password", "quota"]} row>
        <Field label="Login" name="login" value={login} set={setLogin} problem={doing.problem} type="email" autoCapitalize="off" spellCheck={false} help={domain ? `Such as ann@${domain}.` : "A whole address of one of your domains."} />
        <Field label="Password" name="password" value={password} set={setPassword} problem={doing.problem} type="password" autoComplete="new-password" help="At least 8 characters, or empty." />
        <Field label="Quota" name="quota" value={quota} set={setQuota} problem={quotaProblem} help="Such as 500MiB or 2G; empty is none." />
        <button className="btn" type="submit" aria-disabled={doing.busy}>Make it</button>
      </Form>
    </Section>
  );
}

function One({ login, operator, mine }: { login: string; operator: boolean; mine: boolean }) {
  const asked = useAsk<AccountShown>(`/v1/accounts/${part(login)}`);
  const doctor = useAsk<{ findings: Symptom[] }>(`/v1/accounts/${part(login)}/doctor`);
  if (asked.problem?.status === 404) {
    return <><Head title="Accounts" /><Empty title={<>There is no account <bdi>{login}</bdi>.</>}>Is the login whole, and is there no typo? <Link href={to("accounts")}>All accounts</Link></Empty></>;
  }
  return (
    <>
      <Head title={<bdi>{login}</bdi>} side={mine ? "your own account" : "account"}>
        <p className="actions"><Link className="btn btn--small" href={to("trail", { q: login })}>Its mail</Link><Link className="btn btn--small" href={to("accounts")}>All accounts</Link></p>
      </Head>
      <Answer of={asked} what="this account">
        {(data) => (
          <>
            {data.suspicion ? <Taken of={data.suspicion} done={asked.reload} /> : null}
            <Facts of={[
              ["State", <StateOf of={data} />],
              ["Mailbox", `${plural(data.messages, "message")}, ${size(data.used)}${data.quota ? ` of ${size(data.quota)}` : ""}`],
              ["Addresses", data.addresses.length ? <bdi>{data.addresses.join(", ")}</bdi> : null],
              ["Aliases", data.aliases.length ? <bdi>{data.aliases.join(", ")}</bdi> : null],
              ["Reads postmaster of", data.owner_of.length ? <bdi>{data.owner_of.join(", ")}</bdi> : null],
              ["Last login", data.logins?.succeeded ? <><Time at={data.logins.succeeded.at} />, from <bdi>{data.logins.succeeded.address}</bdi>, {data.logins.succeeded.protocol}</> : null],
              ["Failed logins", data.logins?.failures ? <>{count(data.logins.failures)}, the last <Time at={data.logins.failed[0]?.at} />{data.logins.slowed ? "; it is slowed" : ""}</> : null],
              ["Made", <Time at={data.created} />],
            ]} />
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
  const letGo = (): void => void doing.run(async () => {
    const { released } = await act<{ released?: number }>("DELETE", path);
    say(`Released: ${plural(released ?? 0, "recipient")} of ${of.login}.`);
    done();
  });
  const drop = (): void => danger.open({
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
    <Sentence small label="The account in one sentence" state={{ is: "held", word: "Held" }} main={<>What it sends is held since <Time at={of.since} />: it looks taken over.</>}
      why={<><bdi>{of.reason}</bdi> Give it another password first, then let the {plural(of.held, "held recipient")} go, or drop them.</>}>
      <Trouble problem={doing.problem} />
      <p className="actions"><a className="btn" href="#entrance">Another password</a><button className="btn" type="button" onClick={letGo}>Let it go</button>
        {of.held > 0 ? <button className="btn btn--danger" type="button" onClick={drop}>Drop…</button> : null}</p>
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
      await act("PATCH", `/v1/accounts/${part(of.login)}`, { quota: quota === size(of.quota).replace(/ /g, "") ? of.quota : octets, disabled }, etag);
      say(`Saved: ${of.login}.`);
      done();
    });
  };
  const problem = octets === null ? { status: 0, code: "invalid", title: "", detail: "Write a size such as 500MiB or 2G.", field: "quota", asked: "" } : doing.problem;
  const changed = doing.problem?.code === "changed";
  return (
    <Section title="Quota and state">
      {changed ? <p className="actions"><button className="btn btn--small" type="button" onClick={() => { doing.clear(); done(); }}>Load it again</button></p> : null}
      <Form run={run} problem={doing.problem} fields={["quota"]}>
        <Field label="Quota" name="quota" value={quota} set={setQuota} problem={problem} help="Such as 500MiB or 2G. 0 is none." />
        <Check label="Disabled: nobody can log in, and mail for it is refused" value={disabled} set={setDisabled} />
        <p className="actions"><button className="btn btn--primary" type="submit" aria-disabled={doing.busy}>Save</button></p>
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
  const set = (): void => void doing.run(async () => {
    await act("POST", `/v1/accounts/${part(of.login)}/password`, { password });
    setPassword("");
    say(`Another password: ${of.login}. Its sessions have ended.`);
  });
  const makeLink = (): void => void making.run(async () => setLink(await act<{ url: string; expires: string }>("POST", `/v1/accounts/${part(of.login)}/reset-link`)));
  const noFactor = (): void => danger.open({
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
      {link ? <Secret title="The address for its owner." text={link.url} what="the address"><p className="small">It works once, until <Time at={link.expires} />.</p></Secret> : null}
      <Trouble problem={making.problem} what="an address with which a password is set" />
      <p className="actions"><button className="btn" type="button" onClick={makeLink}>Make a link for its owner</button>
        {mine ? null : <button className="btn btn--danger" type="button" onClick={noFactor}>Its phone is lost…</button>}</p>
      <details>
        <summary>Set one here</summary>
        <Form run={set} problem={doing.problem} fields={["password"]} row>
          <Field label="New password" name="password" value={password} set={setPassword} type="password" autoComplete="new-password" problem={doing.problem} help="At least 8 characters. Its sessions end." />
          <button className="btn" type="submit" aria-disabled={doing.busy}>Set it</button>
        </Form>
      </details>
      {danger.dialog}
    </Section>
  );
}

function Rights({ login, operator }: { login: string; operator: boolean }) {
  const asked = useAsk<{ rights: Right[] }>("/v1/rights?limit=1000");
  const [domain, setDomain] = useState("");
  const doing = useDoing();
  const danger = useDanger();
  const give = (body: object, words: string): void => void doing.run(async () => {
    await act("POST", "/v1/rights", { login, ...body });
    setDomain("");
    say(words);
    asked.reload();
  });
  const take = (one: Right): void => danger.open({
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
          return own.length === 0 ? <p className="small quiet">Nothing but its own things.</p> : (
            <Table caption={`Rights of ${login}`} rows={own} keyOf={(one) => one.domain ?? ""} columns={[
              { head: "What", cell: (one) => (one.domain ? <bdi>{one.domain}</bdi> : "the whole server") },
              { head: "As", cell: (one) => one.role },
              { head: <span className="sr">What to do</span>, num: true, lead: true, cell: (one) => <button className="btn btn--small btn--danger" type="button" onClick={() => take(one)}>Take away…<span className="sr"> {one.domain ?? "the whole server"}</span></button> },
            ]} />
          );
        }}
      </Answer>
      <details>
        <summary>Let it look after more</summary>
        <Form run={() => give({ domain: domain.trim() }, `${login} looks after ${domain.trim()} now.`)} problem={doing.problem} fields={["domain"]} row>
          <Field label="Domain" name="domain" value={domain} set={setDomain} problem={doing.problem} autoCapitalize="off" spellCheck={false} />
          <button className="btn" type="submit" aria-disabled={doing.busy}>Let it</button>
          {operator ? <button className="btn" type="button" onClick={() => give({ operator: true }, `${login} looks after the whole server now.`)}>The whole server</button> : null}
        </Form>
      </details>
      {danger.dialog}
    </Section>
  );
}

function Remove({ of, done }: { of: AccountShown; done: () => void }) {
  const doing = useDoing();
  const danger = useDanger();
  const path = `/v1/accounts/${part(of.login)}`;
  const hold = (): void => void doing.run(async () => {
    await act("POST", `${path}/suspicion`, {});
    say(`What ${of.login} sends is held from now on.`);
    done();
  });
  const remove = (): void => danger.open({
    ask: async () => ({ n: Math.max(1, (await act<AccountShown>("GET", path)).messages) }),
    title: (n) => (of.messages > 0 ? `${n === 1 ? "message is" : "messages are"} removed, with the account ${of.login}` : `account is removed: ${of.login}`),
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
      <p className="actions">{of.suspicion ? null : <button className="btn" type="button" onClick={hold}>Hold what it sends</button>}<button className="btn btn--danger" type="button" onClick={remove}>Remove the account…</button></p>
      {danger.dialog}
    </Section>
  );
}

function Aliases({ domain }: { domain: string }) {
  const pages = usePages<Alias>("/v1/aliases", "aliases", { domain });
  const danger = useDanger();
  const remove = (one: Alias): void => danger.open({
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
      {pages.problem && !pages.items ? <Trouble problem={pages.problem} what="which aliases there are" again={pages.reload} /> : null}
      {!pages.items ? (pages.slow ? <Loading what="the aliases" /> : null) : pages.items.length === 0 ? (
        <Empty title="No alias.">Addresses that lead to others are listed here.</Empty>
      ) : (
        <Table caption="Aliases" rows={pages.items} keyOf={(one) => one.address} columns={[
          { head: "Address", cell: (one) => <bdi>{one.address}</bdi> },
          { head: "Leads to", cell: (one) => <bdi>{one.account ?? (one.targets.slice(0, 5).join(", ") + (one.targets.length > 5 ? ` and ${one.targets.length - 5} more` : ""))}</bdi> },
          { head: "Who may write to it", cell: (one) => (one.senders.length ? <bdi>{one.senders.join(", ")}</bdi> : "anybody") },
          { head: <span className="sr">What to do</span>, num: true, lead: true, cell: (one) => <button className="btn btn--small btn--danger" type="button" onClick={() => remove(one)}>Remove…<span className="sr"> {one.address}</span></button> },
        ]} />
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
  const run = (): void => void doing.run(async () => {
    await act("POST", "/v1/aliases", { address: address.trim(), targets: words(targets), ...(senders.trim() ? { senders: words(senders) } : {}) });
    say(`${address.trim()} leads to ${words(targets).join(", ")}.`);
    setAddress("");
    setTargets("");
    done();
  });
  return (
    <Section title="Add an alias" about="Targets are added to those that an address has already.">
      <Form run={run} problem={doing.problem} fields={["address", "targets", "senders"]} row>
        <Field label="Address" name="address" value={address} set={setAddress} problem={doing.problem} autoCapitalize="off" spellCheck={false} />
        <Field label="Leads to" name="targets" value={targets} set={setTargets} problem={doing.problem} autoCapitalize="off" spellCheck={false} help="Addresses, with commas between." />
        <Field label="Who may write to it" name="senders" value={senders} set={setSenders} problem={doing.problem} autoCapitalize="off" spellCheck={false} help="Empty: anybody. Or domain, members, addresses." />
        <button className="btn" type="submit" aria-disabled={doing.busy}>Add it</button>
      </Form>
    </Section>
  );
}
