// Hooks: URLs that are told what happens.
import { useState } from "react";
import { type Hook, act, part, serverNow } from "../api";
import { plural } from "../format";
import { eventNames, useRefresh } from "../live";
import { only, useDanger } from "../ui/dialog";
import { Field, Form } from "../ui/field";
import { useDoing, usePages } from "../ui/hooks";
import { Empty, Loading, Mark, Pager, Said, Section, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import { Secret } from "./account_parts";
import type { PageProps } from "./page";

export function HooksPage(_: PageProps) {
  const pages = usePages<Hook>("/v1/hooks", "hooks");
  const [secret, setSecret] = useState<{ url: string; secret: string }>();
  useRefresh(pages.reload);
  return (
    <>
      <Head title="Hooks" side="who is told what happens" />
      {secret ? (
        <Secret
          title={`The secret of ${secret.url}, with which what it gets is signed.`}
          text={secret.secret}
          what="the secret"
        />
      ) : null}
      {pages.problem && !pages.items ? <Trouble problem={pages.problem} what="of hooks" again={pages.reload} /> : null}
      {!pages.items ? (
        pages.slow ? (
          <Loading what="the hooks" />
        ) : null
      ) : pages.items.length === 0 ? (
        <Empty title="No hook.">
          A URL that is named here is told of each message that arrives, leaves or fails: at least once, in order for
          one message.
        </Empty>
      ) : (
        <Table
          caption="Hooks"
          rows={pages.items}
          keyOf={(one) => String(one.id)}
          columns={[
            {
              head: "URL",
              cell: (one) => (
                <>
                  <bdi>{one.url}</bdi>
                  {one.login !== undefined ? (
                    <span className="sub">
                      <bdi>{one.login || "the server's own"}</bdi>
                    </span>
                  ) : null}
                </>
              ),
            },
            { head: "State", lead: true, cell: (one) => <StateOf of={one} /> },
            {
              head: "Is told of",
              cell: (one) => (
                <div>
                  <bdi>{one.events.length ? one.events.join(", ") : "everything"}</bdi>
                  {one.domains.length ? (
                    <span className="sub">
                      of <bdi>{one.domains.join(", ")}</bdi>
                    </span>
                  ) : null}
                </div>
              ),
            },
            {
              head: "Last",
              cell: (one) => (
                <div>
                  {one.delivered_at ? (
                    <>
                      told <Time at={one.delivered_at} />
                    </>
                  ) : null}
                  {one.last_error ? (
                    <span className="sub">
                      <Said inline>{one.last_error}</Said>
                    </span>
                  ) : null}
                </div>
              ),
            },
            {
              head: <span className="sr">What to do</span>,
              num: true,
              cell: (one) => <Actions of={one} done={pages.reload} secret={setSecret} />,
            },
          ]}
        />
      )}
      <Pager of={pages} name="the hooks" />
      <Add done={pages.reload} secret={setSecret} />
    </>
  );
}

function StateOf({ of }: { of: Hook }) {
  if (of.state === "paused") return <Mark is="held" word="paused" />;
  if (of.failures) return <Mark is="warning" word={`${plural(of.failures, "failure")}`} />;
  return of.waiting ? <Mark is="moving" word="has more to hear" /> : <Mark is="good" word="told all" />;
}

function Actions({
  of,
  done,
  secret,
}: {
  of: Hook;
  done: () => void;
  secret: (made: { url: string; secret: string }) => void;
}) {
  const doing = useDoing();
  const danger = useDanger();
  const path = `/v1/hooks/${part(of.id)}`;
  const run = (what: () => Promise<void>): void =>
    void doing.run(async () => {
      await what();
      done();
    });
  const name = <span className="sr"> {of.url}</span>;
  const paused = of.state === "paused";
  return (
    <>
      <Trouble problem={doing.problem} />
      <span className="actions">
        <button
          className="btn btn--small"
          type="button"
          onClick={() =>
            run(async () => {
              const { delivered, status, error } = await act<{ delivered: boolean; status: number; error?: string }>(
                "POST",
                `${path}/test`,
              );
              say(delivered ? `It took the test, with ${status}.` : `It did not take the test: ${error ?? status}.`);
            })
          }
        >
          Test{name}
        </button>
        <button
          className="btn btn--small"
          type="button"
          onClick={() =>
            run(async () => {
              await act("PATCH", path, { state: paused ? "active" : "paused" });
              say(paused ? `${of.url} is told again.` : `Paused: ${of.url}.`);
            })
          }
        >
          {paused ? "Go on" : "Pause"}
          {name}
        </button>
        <button
          className="btn btn--small"
          type="button"
          onClick={() =>
            run(async () => {
              await act("POST", `${path}/replay`, {
                since: new Date(serverNow().getTime() - 86_400_000).toISOString(),
              });
              say(`${of.url} is told once more what happened in the last 24 h.`);
            })
          }
        >
          Tell the last day again{name}
        </button>
        <button
          className="btn btn--small"
          type="button"
          onClick={() =>
            run(async () => {
              const changed = await act<Hook>("PATCH", path, { rotate: true });
              if (changed.secret) secret({ url: of.url, secret: changed.secret });
            })
          }
        >
          New secret{name}
        </button>
        <button
          className="btn btn--small btn--danger"
          type="button"
          onClick={() =>
            danger.open({
              ask: only(1),
              title: () => `hook is removed: ${of.url}`,
              body: "It is told nothing more, also not what it was not told yet.",
              keep: "Keep it",
              go: () => "Remove it",
              run: () => act("DELETE", path),
              done: () => {
                say(`Removed: ${of.url}.`);
                done();
              },
            })
          }
        >
          Remove…{name}
        </button>
      </span>
      {danger.dialog}
    </>
  );
}

function Add({ done, secret }: { done: () => void; secret: (made: { url: string; secret: string }) => void }) {
  const [url, setUrl] = useState("");
  const [events, setEvents] = useState("");
  const [domains, setDomains] = useState("");
  const doing = useDoing();
  const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
  const run = (): void =>
    void doing.run(async () => {
      const made = await act<Hook>("POST", "/v1/hooks", {
        url: url.trim(),
        ...(words(events).length ? { events: words(events) } : {}),
        ...(words(domains).length ? { domains: words(domains) } : {}),
      });
      if (made.secret) secret({ url: made.url, secret: made.secret });
      setUrl("");
      setEvents("");
      done();
    });
  return (
    <Section
      title="Add a hook"
      about="It gets each event by POST, signed as Standard Webhooks says. What fails is tried again for 3 days."
    >
      <Form run={run} problem={doing.problem} fields={["url", "events", "domains"]}>
        <Field
          label="URL"
          name="url"
          type="url"
          value={url}
          set={setUrl}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help="With https. Addresses of private networks are refused."
        />
        <Field
          label="Events"
          name="events"
          value={events}
          set={setEvents}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help={`Empty: all. Otherwise some of ${eventNames.filter((name) => name !== "gap").join(", ")}.`}
        />
        <Field
          label="Only of domains"
          name="domains"
          value={domains}
          set={setDomains}
          problem={doing.problem}
          autoCapitalize="off"
          spellCheck={false}
          help="Empty: all within your reach."
        />
        <p className="actions">
          <button className="btn btn--primary" type="submit" aria-disabled={doing.busy}>
            Add it
          </button>
        </p>
      </Form>
    </Section>
  );
}
