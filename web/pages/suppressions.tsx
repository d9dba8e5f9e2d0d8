// Suppressed: addresses that programs of the API send nothing to any more, why, and since when.
import { useState } from "react";
import { ApiError, type Me, type Suppression, act, part } from "../api";
import { useRefresh } from "../live";
import { Link, go, to } from "../router";
import { only, useDanger } from "../ui/dialog";
import { Choice, Field, Form } from "../ui/field";
import { useDoing, usePages } from "../ui/hooks";
import { Empty, Loading, Mark, Pager, Said, Section, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import { roleOf, stateOfSuppression } from "../words";
import type { PageProps } from "./page";

export function SuppressionsPage({ me, place }: PageProps) {
  const address = place.query.get("address") ?? "";
  const pages = usePages<Suppression>("/v1/suppressions", "suppressions", address ? { address } : {});
  useRefresh(pages.reload, (name) => name === "message.suppressed" || name === "gap");
  return (
    <>
      <Head title="Suppressed" side="where programs send nothing any more" />
      <Find key={address} address={address} />
      {pages.problem && !pages.items ? (
        <Trouble problem={pages.problem} what="which addresses are suppressed" again={pages.reload} />
      ) : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the addresses" />
        ) : null
      ) : pages.items.length === 0 ? (
        <Nothing address={address} />
      ) : (
        <List of={pages.items} done={pages.reload} />
      )}
      <Pager of={pages} name="the addresses" />
      <Add me={me} done={pages.reload} />
    </>
  );
}

function Nothing({ address }: { address: string }) {
  return (
    <Empty
      title={
        address ? (
          <>
            <bdi>{address}</bdi> is not suppressed.
          </>
        ) : (
          "No address is suppressed."
        )
      }
    >
      An address comes here by itself when mail by the API comes back again and again, or its reader calls it spam. What
      people write with their mail programs goes there all the same.
    </Empty>
  );
}

function Find({ address }: { address: string }) {
  const [typed, setTyped] = useState(address);
  return (
    <form
      className="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const sought = typed.trim();
        go(sought ? to("suppressions", { address: sought }) : to("suppressions"));
      }}
    >
      <label className="sr" htmlFor="suppressed-address">
        Find an address
      </label>
      <div className="search__row">
        <input
          className="input mono"
          id="suppressed-address"
          type="search"
          value={typed}
          aria-describedby="suppressed-help"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onChange={(event) => setTyped(event.target.value)}
        />
        <button className="btn" type="submit">
          Find
        </button>
      </div>
      <p className="help" id="suppressed-help">
        A whole address; nothing for all of them.
      </p>
    </form>
  );
}

/** For whom it is suppressed. */
function Whose({ of }: { of: Suppression }) {
  if (of.scope === "server") return <>everybody here</>;
  return <bdi>{of.of}</bdi>;
}

function List({ of, done }: { of: readonly Suppression[]; done: () => void }) {
  const danger = useDanger();
  const remove = (one: Suppression): void =>
    danger.open({
      ask: only(1),
      title: () => `address may be sent to again: ${one.address}`,
      body:
        one.reason === "complaint"
          ? "Its reader called mail from here spam. Who writes again to people that complain is soon refused everywhere."
          : "When mail by the API comes back from it again, it is suppressed again.",
      keep: "Keep it suppressed",
      go: () => "Let programs send to it",
      run: () => act("DELETE", `/v1/suppressions/${part(one.id)}`),
      done: () => {
        say(`Programs may send to ${one.address} again.`);
        done();
      },
    });
  return (
    <>
      <Table
        caption="Suppressed addresses"
        rows={of}
        keyOf={(one) => String(one.id)}
        columns={[
          { head: "Address", cell: (one) => <bdi>{one.address}</bdi> },
          { head: "Why", lead: true, cell: (one) => <Mark {...stateOfSuppression(one.reason)} /> },
          {
            head: "What was said",
            cell: (one) => (
              <div>
                {one.reply ? <Said inline>{one.reply}</Said> : null}
                {one.message ? (
                  <span className="sub">
                    <Link href={to("trail", one.message)}>
                      The message<span className="sr"> {one.message}</span>
                    </Link>
                  </span>
                ) : null}
              </div>
            ),
          },
          { head: "For", cell: (one) => <Whose of={one} /> },
          { head: "Since", cell: (one) => <Time at={one.since} /> },
          { head: "Until", cell: (one) => (one.until ? <Time at={one.until} /> : "for good") },
          {
            head: <span className="sr">What to do</span>,
            num: true,
            cell: (one) => (
              <button className="btn btn--small btn--danger" type="button" onClick={() => remove(one)}>
                Remove…<span className="sr"> {one.address}</span>
              </button>
            ),
          },
        ]}
      />
      {danger.dialog}
    </>
  );
}

/** The server, as the API's member `of` calls it. */
const server = "*";

/** It would be of who adds it, and is said to be of somebody else. */
const unnamed = (): ApiError =>
  new ApiError({
    status: 0,
    code: "invalid",
    title: "Not taken",
    detail: "Say which domain or account it is for.",
    field: "of",
    asked: "",
  });

/** For whom one may be, for who adds it: what `of` is, and in words; the last is named in a field. */
function scopesOf(me: Me): readonly (readonly [string, string])[] {
  const all: (readonly [string, string])[] = [];
  if (roleOf(me) === "operator") all.push([server, "the whole server"]);
  if (me.login) all.push([me.login, "my own account"]);
  return [...all, ["", "a domain or an account"]];
}

function Add({ me, done }: { me: Me; done: () => void }) {
  const scopes = scopesOf(me);
  const [address, setAddress] = useState("");
  const [note, setNote] = useState("");
  const [scope, setScope] = useState(scopes[0]?.[0] ?? "");
  const [named, setNamed] = useState("");
  const doing = useDoing();
  const own = roleOf(me) === "account";
  const of = own ? "" : scope || named.trim();
  const run = (): void =>
    void doing.run(async () => {
      if (!own && !of) throw unnamed();
      const made = await act<Suppression>("POST", "/v1/suppressions", {
        address: address.trim(),
        ...(note.trim() ? { note: note.trim() } : {}),
        ...(of ? { of } : {}),
      });
      say(`Programs send nothing to ${made.address} any more.`);
      setAddress("");
      setNote("");
      done();
    });
  return (
    <Section title="Suppress an address" about="Mail by the API to it is refused from then on.">
      <Form run={run} problem={doing.problem} fields={["address", "note", "of"]} row>
        <Field
          label="Address"
          name="address"
          type="email"
          value={address}
          set={setAddress}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
        />
        <Field label="Why" name="note" value={note} set={setNote} problem={doing.problem} maxLength={200} />
        {own ? null : <Choice label="For" name="scope" value={scope} set={setScope} options={scopes} />}
        {own || scope ? null : (
          <Field
            label="Which"
            name="of"
            value={named}
            set={setNamed}
            problem={doing.problem}
            required
            autoCapitalize="off"
            spellCheck={false}
            help="example.org, or ann@example.org."
          />
        )}
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Suppress it
        </button>
      </Form>
    </Section>
  );
}
