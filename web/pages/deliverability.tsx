// Deliverability: each domain's records, what others report, and the doctor.
import { useEffect, useState } from "react";
import { type DmarcSummary, type DnsRecord, type Domain, type Symptom, type TlsSummary, at, part } from "../api";
import { useDoctor, type Round } from "../doctor";
import { count, day, named, plural, share } from "../format";
import { serverNow } from "../api";
import { Link, to } from "../router";
import { levelOf, levels, roleOf, worstFirst } from "../words";
import { useAsk } from "../ui/hooks";
import { Answer, Empty, Findings, Mark, Section, Sentence } from "../ui/parts";
import { Records, Zone } from "../ui/records";
import { Table } from "../ui/table";
import { Curve } from "../ui/plot";
import { Head } from "../ui/shell";
import type { PageProps } from "./page";

/** So many tabs; of more domains one is chosen by its name. */
const mostTabs = 8;

export function DeliverabilityPage({ me, place }: PageProps) {
  const domains = useAsk<{ domains: Domain[] }>("/v1/domains?limit=200");
  const own = (domains.data?.domains ?? []).filter((one) => !one.alias_of);
  const asked = place.parts[1];
  const name = asked ?? own[0]?.name;
  return (
    <>
      <Head
        title="Deliverability"
        side={name ? <bdi>{own.find((one) => one.name === name)?.display_name ?? name}</bdi> : null}
      />
      <Answer of={domains} what="which domains are ours">
        {() => (
          <>
            {own.length > 1 ? (
              <nav className="tabs" aria-label="Domains">
                {own.slice(0, mostTabs).map((one) => (
                  <Link
                    key={one.name}
                    href={to("deliverability", one.name)}
                    aria-current={one.name === name ? "page" : undefined}
                  >
                    <bdi>{one.display_name}</bdi>
                  </Link>
                ))}
                {own.length > mostTabs ? <Link href={to("domains")}>{count(own.length - mostTabs)} more</Link> : null}
              </nav>
            ) : null}
            {name ? (
              <OneDomain key={name} name={name} />
            ) : (
              <Empty title="No domain yet.">
                Add one on the page <Link href={to("domains")}>Domains</Link>; what it needs in the DNS is shown here
                then.
              </Empty>
            )}
          </>
        )}
      </Answer>
      {roleOf(me) === "operator" ? <Server /> : null}
    </>
  );
}

function Progress({ of }: { of: Round }) {
  return (
    <span role="status">
      {of.now !== undefined
        ? `Looking at ${of.now}${of.of ? `, ${of.done} of ${of.of}` : ""}…`
        : of.problem
          ? ""
          : `${plural(of.done, "check")}.`}
    </span>
  );
}

/** The worst that was found, as a page's first sentence. */
function Worst({ round, good }: { round: Round; good: string }) {
  const worst = worstFirst(round.findings)[0];
  if (!worst || (round.now !== undefined && worst.level !== "wrong")) return null;
  if (worst.level === "good")
    return <Sentence small state={levels.good} label="The domain in one sentence" main={good} />;
  return (
    <Sentence
      small
      state={levelOf(worst.level)}
      label="The domain in one sentence"
      main={<bdi>{worst.seen}</bdi>}
      why={<bdi>{[worst.means, worst.advice].filter(Boolean).join(" ")}</bdi>}
    >
      {worst.records?.length ? <Records of={worst.records} label="What is to be put into the DNS" /> : null}
    </Sentence>
  );
}

function OneDomain({ name }: { name: string }) {
  const round = useDoctor(`/v1/domains/${part(name)}/doctor`);
  const dns = useAsk<{ hostname: string; records: DnsRecord[] }>(`/v1/domains/${part(name)}/dns`);
  const findings = worstFirst(round.findings);
  return (
    <>
      <Worst round={round} good={`Everything that ${name} needs in the DNS is there.`} />
      <Section
        title="Checks"
        side={
          <p className="actions small quiet">
            <Progress of={round} />
            <button className="btn btn--small" type="button" onClick={round.again}>
              Ask again
            </button>
          </p>
        }
      >
        {round.problem ? (
          <Answer
            of={{
              data: undefined,
              etag: null,
              problem: round.problem,
              slow: false,
              busy: false,
              when: undefined,
              reload: round.again,
            }}
            what="what the doctor sees"
          >
            {() => null}
          </Answer>
        ) : null}
        <div className="records">
          {findings.map((one, n) => (
            <Check key={n} of={one} />
          ))}
        </div>
      </Section>
      <Section title="Records" about="All that belongs into the zone of this domain, ready to copy.">
        <Answer of={dns} what="what belongs into the zone">
          {(data) => <Zone of={data.records} label={`Records of ${name}`} />}
        </Answer>
      </Section>
      <Dmarc name={name} />
      <Tls name={name} />
    </>
  );
}

/** One finding as a record: good ones in one line. */
function Check({ of }: { of: Symptom }) {
  const state = levelOf(of.level);
  if (of.level === "good")
    return (
      <div className="record">
        <Mark is={state.is} word="good" />
        <h3>
          <bdi>{of.seen}</bdi>
        </h3>
      </div>
    );
  return (
    <div className="record">
      <Mark is={state.is} word={state.word.toLowerCase()} />
      <h3>
        <bdi>{of.seen}</bdi>
      </h3>
      {of.means || of.advice ? (
        <p>
          <bdi>{[of.means, of.advice].filter(Boolean).join(" ")}</bdi>
        </p>
      ) : null}
      {of.records?.length ? (
        <div className="expected">
          <p>Expected:</p>
          <Records of={of.records} label="What is expected in the DNS" />
        </div>
      ) : null}
    </div>
  );
}

const dayOf = (text: string): string => day(new Date(text.length === 10 ? `${text}T00:00:00Z` : text), serverNow());
const axisOf = (days: readonly { day: string }[]): string[] =>
  [...new Set([0, Math.floor((days.length - 1) / 2), days.length - 1])]
    .filter((n) => n >= 0)
    .map((n) => dayOf(days[n]?.day ?? ""));

function Dmarc({ name }: { name: string }) {
  const asked = useAsk<{ domains: DmarcSummary[]; skipped: number }>(
    at("/v1/reports/dmarc", { days: 30, domain: name }),
  );
  return (
    <Section title="What others report: DMARC">
      <Answer of={asked} what="what others report about DMARC">
        {({ domains, skipped }) => {
          const sum = domains.find((one) => one.domain === name) ?? domains[0];
          if (!sum || sum.messages === 0)
            return (
              <Empty title="Nobody reported in 30 days.">
                Reports come a day after the first mail, to the address that the DMARC record names.
              </Empty>
            );
          const points = sum.days
            .filter((one) => one.messages > 0)
            .map((one) => ({ label: dayOf(one.day), percent: (one.passed / one.messages) * 100 }));
          return (
            <>
              <p>
                {share(sum.passed, sum.messages)} of {plural(sum.messages, "message")} in 30 days passed, as{" "}
                <bdi>{named(sum.reporters, 4)}</bdi> {sum.reporters.length === 1 ? "reports" : "report"}.
              </p>
              <div className="split">
                {points.length > 0 ? (
                  <Curve
                    title="Passed DMARC, a day"
                    side={plural(sum.reports, "report")}
                    points={points}
                    axis={axisOf(sum.days.filter((one) => one.messages > 0))}
                    words={
                      `Share of mail from ${name} that passed DMARC, each day: least ` +
                      `${Math.min(...points.map((one) => one.percent)).toFixed(1)} per cent.`
                    }
                  />
                ) : (
                  <div />
                )}
                <div>
                  <Table
                    caption="Who sent in your name"
                    rows={sum.senders.slice(0, 50)}
                    keyOf={(one) => `${one.source} ${one.author}`}
                    columns={[
                      {
                        head: "Server",
                        cell: (one) => (
                          <>
                            <bdi className="nowrap">{one.source}</bdi>{" "}
                            {one.author && one.author !== name ? (
                              <span className="sub">
                                as <bdi>{one.author}</bdi>
                              </span>
                            ) : null}
                          </>
                        ),
                      },
                      { head: "Mail", num: true, cell: (one) => count(one.messages) },
                      { head: "SPF", cell: (one) => <Passing of={one.spf} whole={one.messages} /> },
                      { head: "DKIM", cell: (one) => <Passing of={one.dkim} whole={one.messages} /> },
                    ]}
                  />
                  <p className="more">
                    Who passes neither is not you, or is a server of yours that does not sign: let it send through this
                    server.{skipped > 0 ? ` ${plural(skipped, "report")} could not be read.` : ""}
                  </p>
                </div>
              </div>
            </>
          );
        }}
      </Answer>
    </Section>
  );
}

function Passing({ of, whole }: { of: number; whole: number }) {
  if (of >= whole) return <Mark is="good" word="passes" />;
  return of === 0 ? <Mark is="bad" word="fails" /> : <Mark is="warning" word={`${count(whole - of)} fail`} />;
}

function Tls({ name }: { name: string }) {
  const asked = useAsk<{ domains: TlsSummary[]; skipped: number }>(at("/v1/reports/tls", { days: 30, domain: name }));
  return (
    <Section title="What others report: TLS">
      <Answer of={asked} what="what others report about TLS">
        {({ domains }) => {
          const sum = domains.find((one) => one.domain === name) ?? domains[0];
          if (!sum || sum.reports === 0)
            return (
              <Empty title="Nobody reported in 30 days.">
                With a TLS-RPT record in the DNS, others tell whether they reach you under TLS.
              </Empty>
            );
          const days = sum.days.filter((one) => one.successes + one.failures > 0);
          const points = days.map((one) => ({
            label: dayOf(one.day),
            percent: (one.successes / (one.successes + one.failures)) * 100,
          }));
          return (
            <div className="stack">
              <p>
                {plural(sum.successes, "session")} came under TLS and{" "}
                {sum.failures === 0 ? "none failed" : `${count(sum.failures)} failed`}, as{" "}
                <bdi>{named(sum.reporters, 4)}</bdi> {sum.reporters.length === 1 ? "reports" : "report"}.
              </p>
              {sum.kinds.length > 0 ? (
                <Table
                  caption="What failed"
                  rows={sum.kinds.slice(0, 50)}
                  keyOf={(one) => `${one.kind} ${one.server} ${one.reason}`}
                  columns={[
                    { head: "What failed", cell: (one) => <bdi>{one.kind}</bdi> },
                    { head: "Server", cell: (one) => <bdi>{one.server}</bdi> },
                    { head: "Times", num: true, cell: (one) => count(one.count) },
                    {
                      head: "In their words",
                      cell: (one) =>
                        one.reason ? (
                          <q className="said said--inline">
                            <bdi>{one.reason}</bdi>
                          </q>
                        ) : null,
                    },
                  ]}
                />
              ) : null}
              {points.length > 0 ? (
                <Curve
                  title="Under TLS, a day"
                  side={plural(sum.reports, "report")}
                  points={points}
                  axis={axisOf(days)}
                  words={
                    `Share of sessions with ${name} that were under TLS, each day: least ` +
                    `${Math.min(...points.map((one) => one.percent)).toFixed(1)} per cent.`
                  }
                  head={["Day", "Under TLS", "Failed"]}
                  rows={days.map((one) => [dayOf(one.day), count(one.successes), count(one.failures)])}
                />
              ) : null}
            </div>
          );
        }}
      </Answer>
    </Section>
  );
}

function Server() {
  const [open, setOpen] = useState(location.hash === "#doctor");
  useEffect(() => {
    if (open && location.hash === "#doctor") document.getElementById("doctor")?.scrollIntoView();
  }, [open]);
  return (
    <Section
      id="doctor"
      title="Doctor"
      about={
        open
          ? undefined
          : "What is so of the whole server: ports, certificate, block lists, clock, disk. It takes about 20 seconds."
      }
    >
      {open ? (
        <ServerRound />
      ) : (
        <button className="btn" type="button" onClick={() => setOpen(true)}>
          Look now
        </button>
      )}
    </Section>
  );
}

function ServerRound() {
  const round = useDoctor("/v1/doctor");
  return (
    <>
      <p className="actions small quiet">
        <Progress of={round} />
        <button className="btn btn--small" type="button" onClick={round.again}>
          Look again
        </button>
      </p>
      {round.problem ? (
        <p className="problem" role="alert">
          <Mark is="bad" word="Not looked" /> <bdi>{round.problem.detail}</bdi>
        </p>
      ) : null}
      <Findings of={worstFirst(round.findings)} label="What the doctor found" />
    </>
  );
}
