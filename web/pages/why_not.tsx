// Why programs can't log in or send, and what they do now.
import { useEffect, useState } from "react";
import { type LoginEvent, type Refusal, type Symptom, asProblem, at, get, serverNow } from "../api";
import { clock } from "../format";
import { type Asked } from "../ui/hooks";
import { Answer, Empty, Findings, Said, Section, Time, Trouble } from "../ui/parts";
import { Table } from "../ui/table";
import { base } from "./account_parts";

interface Attempts {
  findings: Symptom[];
  last: number;
  last_login?: LoginEvent;
  refusals: Refusal[];
}

/** Why programs can't log in or send; with "Watch" what they do now. */
export function WhyNot({
  login,
  doctor,
  own,
}: {
  login: string;
  doctor: Asked<{ findings: Symptom[] }>;
  own?: boolean;
}) {
  const [since, setSince] = useState<Date>();
  const [seen, setSeen] = useState<{ findings: Symptom[]; refusals: Refusal[]; login?: LoginEvent }>({
    findings: [],
    refusals: [],
  });
  const [problem, setProblem] = useState<ReturnType<typeof asProblem>>();
  useEffect(() => {
    if (!since) return;
    const giveUp = new AbortController();
    let after: number | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      try {
        const now = await get<Attempts>(at(`${base(login)}/attempts`, { after }), giveUp.signal);
        if (after !== undefined) {
          setSeen((was) => ({
            findings: [...now.findings, ...was.findings].slice(0, 50),
            refusals: [...now.refusals, ...was.refusals].slice(0, 50),
            ...(now.last_login && Date.parse(now.last_login.at) >= since.getTime()
              ? { login: now.last_login }
              : was.login
                ? { login: was.login }
                : {}),
          }));
        }
        after = now.last;
        setProblem(undefined);
      } catch (error) {
        if (giveUp.signal.aborted) return;
        setProblem(asProblem(error));
      }
      timer = setTimeout(() => void look(), 2000);
    };
    void look();
    return () => {
      giveUp.abort();
      clearTimeout(timer);
    };
  }, [since, login]);
  const watch = (): void => {
    setSeen({ findings: [], refusals: [] });
    setSince(since ? undefined : serverNow());
  };
  return (
    <Section
      id="why"
      title={own ? "Why can't I send?" : "Why can't it send?"}
      side={
        <p className="actions">
          <button className="btn btn--small" type="button" aria-pressed={since !== undefined} onClick={watch}>
            Watch
          </button>
        </p>
      }
    >
      <p className="small quiet" role="status">
        {since
          ? `Watching since ${clock(since)}. ${own ? "Press Send in your program now" : "Let its owner press Send now"}: ` +
            "what it does appears here."
          : null}
        {since && seen.login ? ` It logged in from ${seen.login.address}, by ${seen.login.protocol}.` : null}
      </p>
      <Trouble problem={problem} what="what programs try" />
      {seen.findings.length > 0 ? <Findings of={seen.findings} label="Seen while you watch" /> : null}
      {seen.refusals.length > 0 ? <Refusals of={seen.refusals} /> : null}
      <Answer of={doctor} what="what programs tried">
        {({ findings }) =>
          findings.length === 0 ? (
            <Empty title="Nothing was refused.">
              What a program does wrong is listed here, with what to change in its settings.
            </Empty>
          ) : (
            <Findings of={findings} label="What was refused" />
          )
        }
      </Answer>
      <p className="more">Refused attempts are kept in memory only, and forgotten when the server restarts.</p>
    </Section>
  );
}

function Refusals({ of }: { of: readonly Refusal[] }) {
  return (
    <Table
      caption="Refused while you watch"
      rows={of.map((one, n) => ({ ...one, n: of.length - n }))}
      keyOf={(one) => String(one.n)}
      columns={[
        { head: "When", cell: (one) => <Time at={one.at} seconds /> },
        {
          head: "From",
          cell: (one) => (
            <div>
              <bdi>{one.from}</bdi>{" "}
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
  );
}
