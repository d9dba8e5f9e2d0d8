// Where one is logged in: one's own sessions, to be ended one by one or all but this one.
import { type Session, act, part } from "../api";
import { plural } from "../format";
import { only, useDanger } from "../ui/dialog";
import { useAsk } from "../ui/hooks";
import { Answer, Mark, Section, Time } from "../ui/parts";
import { Table } from "../ui/table";
import { say } from "../ui/toasts";

/** This one first, then those that were used last. */
const inOrder = (list: readonly Session[]): Session[] =>
  [...list].sort(
    (a, b) =>
      Number(b.current) - Number(a.current) || Date.parse(b.used ?? b.created) - Date.parse(a.used ?? a.created),
  );

export function Sessions() {
  const asked = useAsk<{ sessions: Session[] }>("/v1/me/sessions?limit=50");
  const danger = useDanger();
  const end = (one: Session): void =>
    danger.open({
      ask: only(1),
      title: () => `session is ended: from ${one.from || "this machine"}`,
      body: "That browser has to log in again; what was typed there and not sent is lost.",
      keep: "Let it go on",
      go: () => "End 1 session",
      run: () => act("DELETE", `/v1/me/sessions/${part(one.id)}`),
      done: () => {
        say(`Ended: the session from ${one.from || "this machine"}.`);
        asked.reload();
      },
    });
  const endOthers = (others: number): void =>
    danger.open({
      ask: only(others),
      title: (count) => (count === 1 ? "session is ended" : "sessions are ended"),
      body: "All of yours but this one: those browsers have to log in again.",
      keep: "Let them go on",
      go: (count) => `End ${plural(count, "session")}`,
      run: () => act("DELETE", "/v1/me/sessions"),
      done: (count) => {
        say(`Ended: ${plural(count, "session")}. This one goes on.`);
        asked.reload();
      },
    });
  return (
    <Section
      id="sessions"
      title="Where you are logged in"
      about="Browsers in which this console is open for you. Mail programs are not among them: they have app passwords."
    >
      <Answer of={asked} what="where you are logged in">
        {({ sessions }) => (
          <>
            <Table
              caption="Your sessions"
              rows={inOrder(sessions)}
              keyOf={(one) => one.id}
              columns={[
                { head: "From", cell: (one) => <bdi>{one.from || "this machine"}</bdi> },
                {
                  head: "Which",
                  lead: true,
                  cell: (one) => (one.current ? <Mark is="good" word="this one" /> : <Mark is="idle" word="another" />),
                },
                { head: "Began", cell: (one) => <Time at={one.created} /> },
                { head: "Last used", cell: (one) => (one.current ? "now" : <Time at={one.used} />) },
                {
                  head: <span className="sr">What to do</span>,
                  num: true,
                  cell: (one) =>
                    one.current ? null : (
                      <button className="btn btn--small btn--danger" type="button" onClick={() => end(one)}>
                        End it…<span className="sr">: the session from {one.from || "this machine"}</span>
                      </button>
                    ),
                },
              ]}
            />
            {sessions.some((one) => !one.current) ? (
              <p className="actions">
                <button className="btn" type="button" onClick={() => endOthers(sessions.length - 1)}>
                  End all others…
                </button>
              </p>
            ) : (
              <p className="more">You are logged in nowhere else.</p>
            )}
          </>
        )}
      </Answer>
      {danger.dialog}
    </Section>
  );
}
