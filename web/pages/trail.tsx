// Trail: one search box, then the whole way of a message.
import { stateOfMessage } from "../trail_words";
import { useEffect, useState } from "react";
import { type Message, type Refusal, serverNow } from "../api";
import { useRefresh } from "../live";
import { Link, go, to } from "../router";
import { sentence } from "../trail_words";
import { roleOf } from "../words";
import { usePages } from "../ui/hooks";
import { Empty, Loading, Mark, Pager, Said, Section, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import type { PageProps } from "./page";
import { idForm, One } from "./trail_message";

/** `<…@…>`, as a message's field has it. */
const messageId = /^<[^<>]+>$/;

export function TrailPage({ me, place }: PageProps) {
  const id = place.parts[1];
  const own = roleOf(me) === "account";
  const asked = place.query.get("q") ?? "";
  const address = asked || (own ? (me.login ?? "") : "");
  return (
    <>
      <Head title={own ? "Sent and received" : "Trail"} live={Boolean(id)} />
      <Search text={id ?? asked} own={own} />
      {id ? (
        <One id={id} me={me} />
      ) : address ? (
        <Found key={address} sought={address} own={own && !asked} />
      ) : (
        <Empty title="Where is it?">
          Every message that this server took has a trail: who sent it, who has it, who said what, and what comes next.
        </Empty>
      )}
    </>
  );
}

function Search({ text, own }: { text: string; own: boolean }) {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  const find = (): void => {
    const sought = typed.trim();
    const inside = /id=([0-9A-HJKMNP-TV-Z]{26})/i.exec(sought)?.[1] ?? sought;
    go(idForm.test(inside) ? to("trail", inside.toUpperCase()) : to("trail", { q: sought }));
  };
  return (
    <form
      className="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        find();
      }}
    >
      <label className="sr" htmlFor="q">
        Find a message
      </label>
      <div className="search__row">
        <input
          className="input mono"
          id="q"
          type="search"
          value={typed}
          aria-describedby="q-help"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          onChange={(event) => setTyped(event.target.value)}
        />
        <button className="btn" type="submit">
          Find
        </button>
      </div>
      <p className="help" id="q-help">
        {own
          ? "An address that you wrote to or that wrote to you, a Message-ID from < to >, or the id from a 250 reply."
          : "The id from a 250 reply, an address, or a Message-ID from < to >."}
      </p>
    </form>
  );
}

/** What was sought: a Message-ID stands between < and >, all else is an address. */
const queryFor = (sought: string): Record<string, string> =>
  messageId.test(sought) ? { message_id: sought } : { address: sought };

function Found({ sought, own }: { sought: string; own: boolean }) {
  const byId = messageId.test(sought);
  const pages = usePages<Message>("/v1/messages", "messages", queryFor(sought), 20);
  useRefresh(pages.reload, (name) => name.startsWith("message."));
  const now = serverNow();
  // A look back is bounded: what is older was not looked at yet.
  const backTo = pages.data?.["back_to"] as string | undefined;
  const refusals = (pages.data?.["refusals"] as Refusal[] | undefined) ?? [];
  if (pages.problem && !pages.items) return <Trouble problem={pages.problem} title="Not found" again={pages.reload} />;
  if (!pages.items) return pages.slow ? <Loading what="messages" /> : null;
  return (
    <>
      {pages.items.length === 0 ? (
        <Empty
          title={
            <>
              No message {byId ? "with the Message-ID" : "from or to"} <bdi>{sought}</bdi>
              {backTo ? " so far." : "."}
            </>
          }
        >
          {backTo ? (
            <>
              What was accepted since <Time at={backTo} /> was looked at, and there is older mail: look further back.
            </>
          ) : own
            ? "What you send and what comes for you is listed here."
            : byId
              ? "Is it whole, from < to >? Old trails are forgotten after some time."
              : "Is the address whole, and is there no typo? Old trails are forgotten after some time."}
        </Empty>
      ) : (
        <Table
          caption={byId ? `Messages with the Message-ID ${sought}` : `Messages from or to ${sought}`}
          rows={pages.items}
          keyOf={(one) => one.id}
          columns={[
            {
              head: "Accepted",
              cell: (one) => (
                <Link href={to("trail", one.id)}>
                  <Time at={one.accepted} />
                  <span className="sr"> message {one.id}</span>
                </Link>
              ),
            },
            { head: "State", lead: true, cell: (one) => <Mark {...stateOfMessage(one)} /> },
            {
              head: "From",
              cell: (one) => (
                <div>
                  <bdi>{one.sender || "nobody (a report)"}</bdi>
                  {one.subject ? (
                    <span className="sub">
                      <bdi>{one.subject}</bdi>
                    </span>
                  ) : null}
                </div>
              ),
            },
            {
              head: "To",
              cell: (one) => (
                <bdi>
                  {one.recipients
                    .slice(0, 3)
                    .map((r) => r.address)
                    .join(", ")}
                  {one.recipients.length > 3 ? ` and ${one.recipients.length - 3} more` : ""}
                </bdi>
              ),
            },
            {
              head: "In short",
              cell: (one) => <bdi>{one.words?.length === 1 ? one.words[0] : sentence(one, now)}</bdi>,
            },
          ]}
        />
      )}
      <Pager of={pages} name="the messages" further={pages.items.length === 0 ? "Look further back" : undefined} />
      {refusals.length > 0 ? (
        <Section
          title="Refused, so there is no trail"
          about="Attempts that were refused are kept in memory only, and forgotten when the server restarts."
        >
          <Table
            caption="Refused attempts"
            rows={refusals.map((one, at) => ({ ...one, at_key: at }))}
            keyOf={(one) => String(one.at_key)}
            columns={[
              { head: "When", cell: (one) => <Time at={one.at} seconds /> },
              {
                head: "From",
                cell: (one) => (
                  <div>
                    <bdi>{one.from || "nobody (a report)"}</bdi>{" "}
                    <span className="sub">
                      <bdi>{one.client}</bdi>
                    </span>
                  </div>
                ),
              },
              { head: "To", cell: (one) => <bdi>{one.to}</bdi> },
              { head: "What we said", cell: (one) => <Said inline>{one.reply}</Said> },
            ]}
          />
        </Section>
      ) : null}
    </>
  );
}
