// Queue: what waits by destination, message by message, what is held, and what goes later.
import { stateOf } from "../words";
import { type ReactNode, useState } from "react";
import { type Destination, type Message, type Recipient, serverNow } from "../api";
import { count, plural, span } from "../format";
import { useRefresh } from "../live";
import { Link, to } from "../router";
import { kept } from "../rows";
import { roleOf, stateOfDestination, whyHeld } from "../words";
import { useLiveRows, usePages } from "../ui/hooks";
import { Empty, Loading, Mark, Pager, Said, Sentence, Time, Trouble } from "../ui/parts";
import { type Column, Table } from "../ui/table";
import { Head } from "../ui/shell";
import type { PageProps } from "./page";
import { Suspended } from "./queue_suspended";
import { forNames, Bulk, NewRows, HeldActions } from "./queue_orders";

type View = "destinations" | "messages" | "held" | "suspended";

const titles: Record<View, string> = {
  destinations: "By destination",
  messages: "Messages",
  held: "Held",
  suspended: "Suspended",
};

export function QueuePage({ me, place }: PageProps) {
  const role = roleOf(me);
  const views: readonly View[] = role === "operator" ? ["destinations", "messages", "held", "suspended"] : ["held", "messages"];
  const wanted = place.query.get("view") as View | null;
  const view = wanted && views.includes(wanted) ? wanted : (views[0] as View);
  const of = place.query.get("destination") ?? "";
  return (
    <>
      <Head
        title={role === "account" ? "Held mail" : "Queue"}
        side={role === "account" ? "and what of yours still waits" : null}
        live
      />
      <nav className="tabs" aria-label="Views of the queue">
        {views.map((one) => (
          <Link key={one} href={to("queue", { view: one })} aria-current={one === view ? "page" : undefined}>
            {titles[one]}
          </Link>
        ))}
      </nav>
      {view === "destinations" ? (
        <Destinations />
      ) : view === "suspended" ? (
        <Suspended />
      ) : (
        <Messages key={view + of} held={view === "held"} destination={of} orders={role === "operator"} />
      )}
    </>
  );
}

/** Of so many the server counts for a while: it is asked less often then. */
const manyWait = 100_000;

function Destinations() {
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const pages = usePages<Destination>("/v1/destinations", "destinations", {}, 200);
  const live = useLiveRows(pages.items, (one) => one.destination, picked.size, `destinations ${pages.page}`);
  const all = (pages.items ?? []).reduce((sum, one) => sum + one.waiting, 0);
  useRefresh(
    pages.reload,
    (name) => name.startsWith("message.") || name.startsWith("destination."),
    undefined,
    all > manyWait ? 15_000 : undefined,
  );
  const now = serverNow();
  const there = kept(picked, live.rows);
  const chosen = live.rows.filter((row) => there.has(row.key)).map((row) => row.value);
  const waiting = live.rows.reduce((sum, row) => sum + (row.gone ? 0 : row.value.waiting), 0);
  const worst = [...live.rows]
    .filter((row) => row.value.failures > 0 && !row.gone)
    .sort((a, b) => b.value.waiting - a.value.waiting)[0]?.value;
  const oldest: Column<(typeof live.rows)[number]> = {
    head: "Oldest",
    cell: ({ value }) =>
      value.oldest ? <span className="nowrap">{span(now.getTime() - Date.parse(value.oldest))}</span> : null,
  };
  const columns: Column<(typeof live.rows)[number]>[] = [
    {
      head: "Destination",
      cell: ({ value }) => (
        <Link href={to("queue", { view: "messages", destination: value.destination })}>
          <bdi>{value.destination}</bdi>
        </Link>
      ),
    },
    { head: "Waiting", num: true, cell: ({ value, gone }) => (gone ? "none now" : count(value.waiting)) },
    ...(live.rows.some((row) => row.value.oldest) ? [oldest] : []),
    {
      head: "Why",
      cell: ({ value }) => (
        <div>
          <Mark {...stateOfDestination(value)} />{" "}
          {value.last_error ? (
            <span className="sub">
              <Said inline>{value.last_error}</Said>
            </span>
          ) : null}
          {value.failures > 0 ? <span className="sub">{plural(value.failures, "try", "tries")} failed.</span> : null}
        </div>
      ),
    },
    {
      head: "Next try",
      cell: ({ value }) => {
        const at =
          value.backoff_until && Date.parse(value.backoff_until) > now.getTime()
            ? value.backoff_until
            : value.earliest_due;
        return at && Date.parse(at) > now.getTime() ? (
          <div className="nowrap">
            <Time at={at} /> <span className="sub">in {span(Date.parse(at) - now.getTime())}</span>
          </div>
        ) : (
          "now"
        );
      },
    },
  ];
  if (pages.problem && !pages.items)
    return <Trouble problem={pages.problem} what="what waits for which destination" again={pages.reload} />;
  if (!pages.items) return pages.slow ? <Loading what="the queue" /> : null;
  return (
    <>
      {pages.problem ? <Trouble problem={pages.problem} /> : null}
      {live.rows.length === 0 ? (
        <Empty title="Nothing waits.">What can't be delivered at once appears here, by destination.</Empty>
      ) : (
        <>
          <Sentence
            small
            label="The queue in one sentence"
            state={worst ? { is: stateOfDestination(worst).is, word: "Failing" } : { is: "waiting", word: "Waiting" }}
            main={
              worst ? (
                <>
                  {worst.waiting === waiting
                    ? `All ${count(waiting)}`
                    : `${count(worst.waiting)} of the ${count(waiting)}`}{" "}
                  that wait{pages.next ? " on this page" : ""} are for <bdi>{worst.destination}</bdi>, which can't be
                  reached.
                </>
              ) : (
                <>
                  {plural(waiting, "recipient waits", "recipients wait")} for {plural(live.rows.length, "destination")}
                  {pages.next ? " on this page" : ""}; each is tried in its turn.
                </>
              )
            }
            why={worst?.last_error ? <Said inline>{worst.last_error}</Said> : null}
          />
          <div {...live.watch}>
            <NewRows waiting={live.waiting} show={live.showNew} />
            <Table
              caption="What waits, by destination"
              rows={live.rows}
              keyOf={(row) => row.key}
              columns={columns}
              gone={(row) => row.gone}
              pick={{ all: "All destinations", name: (row) => row.key, picked: there, set: setPicked }}
            />
          </div>
          <Pager of={pages} name="the destinations" />
          {chosen.length > 0 ? (
            <Bulk
              filters={chosen.map((one) => ({ destination: one.destination }))}
              what={forNames(chosen.map((one) => one.destination))}
              done={() => {
                setPicked(new Set());
                pages.reload();
              }}
            >
              <b>
                {plural(
                  chosen.reduce((sum, one) => sum + one.waiting, 0),
                  "recipient",
                )}
              </b>{" "}
              {forNames(chosen.map((one) => one.destination))}
            </Bulk>
          ) : null}
          <p className="more">
            A destination that can't be reached backs off as a whole: one message probes it, the others wait with it.
          </p>
        </>
      )}
    </>
  );
}

/** The most recipients that one row names. */
const shownRecipients = 3;

export function To({ of }: { of: readonly Recipient[] }) {
  const open = of.filter((one) => ["waiting", "held", "in hand"].includes(one.state));
  const list = open.length > 0 ? open : of;
  return (
    <div>
      {list.slice(0, shownRecipients).map((one) => (
        <span className="sub" key={one.index}>
          <Mark {...stateOf(one)} /> <bdi>{one.address}</bdi>
        </span>
      ))}
      {list.length > shownRecipients ? (
        <span className="sub">and {count(list.length - shownRecipients)} more</span>
      ) : null}
    </div>
  );
}

/** Why a message is not delivered yet, of its first recipient that isn't. */
function why(message: Message, held: boolean): ReactNode {
  const one = message.recipients.find((r) => r.state === (held ? "held" : "waiting")) ?? message.recipients[0];
  if (!one) return null;
  if (one.state === "held") return whyHeld(one);
  const said = one.destination_error ?? one.last_reply;
  return said ? <Said inline>{said}</Said> : "not tried yet";
}

function Messages({ held, destination, orders }: { held: boolean; destination: string; orders: boolean }) {
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const pages = usePages<Message>("/v1/queue", "messages", { held, destination }, 50);
  const live = useLiveRows(pages.items, (one) => one.id, picked.size, `messages ${pages.page}`);
  useRefresh(pages.reload, (name) => name.startsWith("message."));
  const there = kept(picked, live.rows);
  const done = (): void => {
    setPicked(new Set());
    pages.reload();
  };
  const columns: Column<(typeof live.rows)[number]>[] = [
    {
      head: "Message",
      cell: ({ value }) => (
        <>
          <Link className="mono small" href={to("trail", value.id)}>
            {value.id}
          </Link>{" "}
          <span className="sub">
            from <bdi>{value.sender || "nobody (a report)"}</bdi>
          </span>
          {value.subject ? (
            <span className="sub">
              <bdi>{value.subject}</bdi>
            </span>
          ) : null}
        </>
      ),
    },
    {
      head: "To",
      cell: ({ value, gone }) => (gone ? <span className="quiet">no longer here</span> : <To of={value.recipients} />),
    },
    { head: "Since", cell: ({ value }) => <Time at={value.accepted} /> },
    { head: "Why", cell: ({ value }) => <div>{why(value, held)}</div> },
  ];
  if (held)
    columns.push({
      head: <span className="sr">What to do</span>,
      num: true,
      cell: ({ value, gone }) => (gone ? null : <HeldActions message={value} orders={orders} done={done} />),
    });
  if (pages.problem && !pages.items) return <Trouble problem={pages.problem} what="what waits" again={pages.reload} />;
  if (!pages.items) return pages.slow ? <Loading what={held ? "held mail" : "the messages"} /> : null;
  return (
    <>
      {pages.problem ? <Trouble problem={pages.problem} /> : null}
      {destination ? (
        <p className="small quiet">
          Only what waits for <bdi>{destination}</bdi>.{" "}
          <Link href={to("queue", { view: held ? "held" : "messages" })}>Show all</Link>
        </p>
      ) : null}
      {live.rows.length === 0 ? (
        <Empty title={pages.next ? "Nothing of yours so far." : held ? "Nothing is held." : "Nothing waits."}>
          {pages.next
            ? "Much of others was looked through; the next page looks further."
            : held
              ? "What a filter, a policy or an operator keeps back is listed here, with the reason."
              : "What can't be delivered at once appears here."}
        </Empty>
      ) : (
        <div {...live.watch}>
          <NewRows waiting={live.waiting} show={live.showNew} />
          <Table
            caption={held ? "Held messages" : "Messages that wait"}
            rows={live.rows}
            keyOf={(row) => row.key}
            columns={columns}
            gone={(row) => row.gone}
            {...(orders && !held
              ? {
                  pick: {
                    all: "All messages of this page",
                    name: (row: { key: string }) => row.key,
                    picked: there,
                    set: setPicked,
                  },
                }
              : {})}
          />
        </div>
      )}
      <Pager of={pages} name="the queue" />
      {orders && !held && there.size > 0 ? (
        <Bulk filters={[...there].map((id) => ({ id }))} what={`of ${plural(there.size, "message")}`} done={done}>
          <b>{plural(there.size, "message")}</b>
        </Bulk>
      ) : null}
    </>
  );
}
