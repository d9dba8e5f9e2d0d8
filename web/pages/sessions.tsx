// Where one is logged in: one's own sessions, to be ended one by one or all but this one.
import { type Session, act, part } from "../api";
import { plural } from "../format";
import { useAsk, useDoing } from "../ui/hooks";
import { Answer, Mark, Section, Time, Trouble } from "../ui/parts";
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
  const doing = useDoing();
  const end = (one: Session): void =>
    void doing.run(async () => {
      await act("DELETE", `/v1/me/sessions/${part(one.id)}`);
      say(`Ended: the session from ${one.from || "this machine"}.`);
      asked.reload();
    });
  const endOthers = (): void =>
    void doing.run(async () => {
      const { ended } = await act<{ ended: number }>("DELETE", "/v1/me/sessions");
      say(`Ended: ${plural(ended, "session")}. This one goes on.`);
      asked.reload();
    });
  return (
    <Section
      id="sessions"
      title="Where you are logged in"
      about="Browsers in which this console is open for you. Mail programs are not among them: they have app passwords."
    >
      <Trouble problem={doing.problem} />
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
                        End it<span className="sr">: the session from {one.from || "this machine"}</span>
                      </button>
                    ),
                },
              ]}
            />
            {sessions.some((one) => !one.current) ? (
              <p className="actions">
                <button className="btn" type="button" onClick={endOthers}>
                  End all others
                </button>
              </p>
            ) : (
              <p className="more">You are logged in nowhere else.</p>
            )}
          </>
        )}
      </Answer>
    </Section>
  );
}
