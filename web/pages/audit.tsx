// Audit: who did what, on whom, when and from where.
import { useState } from "react";
import type { AuditEntry } from "../api";
import { Link, go, to } from "../router";
import { usePages } from "../ui/hooks";
import { Empty, Loading, Mark, Pager, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import type { PageProps } from "./page";

export function AuditPage({ place }: PageProps) {
  const login = place.query.get("login") ?? "";
  const action = place.query.get("action") ?? "";
  const pages = usePages<AuditEntry>("/v1/audit", "entries", { login, action });
  const [who, setWho] = useState(login);
  const [what, setWhat] = useState(action);
  return (
    <>
      <Head title="Audit" side="who changed what" />
      <form
        className="search"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          go(to("audit", { login: who.trim(), action: what.trim() }));
        }}
      >
        <div className="search__row">
          <label className="sr" htmlFor="who">
            Login
          </label>
          <input
            className="input"
            id="who"
            type="search"
            placeholder="Login"
            value={who}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            onChange={(event) => setWho(event.target.value)}
          />
          <label className="sr" htmlFor="what">
            Action
          </label>
          <input
            className="input"
            id="what"
            type="search"
            placeholder="Action, such as account.add"
            value={what}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            onChange={(event) => setWhat(event.target.value)}
          />
          <button className="btn" type="submit">
            Find
          </button>
        </div>
      </form>
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="who changed what" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the audit log" />
        ) : null
      ) : pages.items.length === 0 ? (
        <Empty title="Nothing found.">
          Every change that somebody orders, here or by the API, leaves an entry.{" "}
          <Link href={to("audit")}>Show all</Link>
        </Empty>
      ) : (
        <Table
          caption="Who changed what, newest first"
          rows={pages.items}
          keyOf={(one) => String(one.id)}
          columns={[
            { head: "When", cell: (one) => <Time at={one.time} seconds /> },
            {
              head: "Who",
              cell: (one) => (
                <div>
                  <bdi>{one.who}</bdi>{" "}
                  <span className="sub">
                    {one.role}
                    {one.from ? (
                      <>
                        , from <bdi>{one.from}</bdi>
                      </>
                    ) : null}
                  </span>
                </div>
              ),
            },
            { head: "Did", cell: (one) => <code>{one.action}</code> },
            { head: "On", cell: (one) => <bdi>{one.on}</bdi> },
            {
              head: "What came of it",
              cell: (one) =>
                /^(done|ok|2\d\d)$/i.test(one.result) ? (
                  <Mark is="good" word="done" />
                ) : (
                  <>
                    <Mark is="bad" word="not done" />
                    <span className="sub">
                      <bdi>{one.result}</bdi>
                    </span>
                  </>
                ),
            },
          ]}
        />
      )}
      <Pager of={pages} name="the audit log" />
    </>
  );
}
