// Today: one sentence, then numbers, then what the doctor found.
import type { Hour, Today } from "../api";
import { serverNow } from "../api";
import { clock, count, day, moment, plural, size, span, when } from "../format";
import { useRefresh } from "../live";
import { Link, to } from "../router";
import { levelOf } from "../words";
import { useAsk } from "../ui/hooks";
import { Answer, Empty, Mark, Section, Sentence, Time } from "../ui/parts";
import { Bars } from "../ui/plot";
import { Head } from "../ui/shell";
import type { PageProps } from "./page";

export function TodayPage(_: PageProps) {
  const today = useAsk<Today>("/v1/today");
  const traffic = useAsk<{ hours: Hour[] }>("/v1/traffic?hours=24");
  useRefresh(
    () => {
      today.reload();
      traffic.reload();
    },
    undefined,
    undefined,
    10_000,
  );
  return (
    <>
      <Head title="Today" side={today.when ? moment(today.when) : null} live />
      <Answer of={today} what="how the server does">
        {(data) => (
          <>
            <Sentence state={levelOf(data.level)} main={<bdi>{data.sentence}</bdi>} label="The server in one sentence">
              {data.waiting + data.suspected > 0 ? (
                <p className="actions">
                  {data.suspected > 0 ? (
                    <Link className="btn" href={to("accounts")}>
                      {data.suspected === 1 ? "See the account" : "See the accounts"}
                    </Link>
                  ) : null}
                  {data.waiting > 0 ? (
                    <Link className="btn" href={to("queue")}>
                      See the queue
                    </Link>
                  ) : null}
                </p>
              ) : null}
            </Sentence>
            <Numbers of={data} />
          </>
        )}
      </Answer>
      <section className="section" aria-label="Mail an hour">
        <Answer of={traffic} what="how much mail came and went">
          {(data) => <Traffic hours={data.hours} />}
        </Answer>
      </section>
      {today.data ? <Found of={today.data} /> : null}
    </>
  );
}

function Numbers({ of }: { of: Today }) {
  const now = serverNow();
  const next = of.certificates
    .filter((one) => one.not_after)
    .sort((a, b) => Date.parse(a.not_after ?? "") - Date.parse(b.not_after ?? ""))[0];
  const wrong = of.certificates.find((one) => one.problems.length > 0);
  const left = next?.not_after ? Date.parse(next.not_after) - now.getTime() : 0;
  return (
    <section aria-labelledby="numbers">
      <h2 className="sr" id="numbers">
        Numbers
      </h2>
      <dl className="stats">
        <div className="stat">
          <dt>
            <Link href={to("queue")}>Waiting</Link>
          </dt>
          <dd>{count(of.waiting)}</dd>
          <dd className="note">
            {of.failing > 0
              ? plural(of.failing, "destination fails", "destinations fail")
              : "every destination answers"}
          </dd>
        </div>
        <div className="stat">
          <dt>Oldest</dt>
          <dd>{of.oldest ? <Units text={span(now.getTime() - Date.parse(of.oldest))} /> : "none"}</dd>
          {of.oldest ? (
            <dd className="note">
              since <Time at={of.oldest} />
            </dd>
          ) : null}
        </div>
        <div className="stat">
          <dt>
            <Link href={to("queue", { view: "held" })}>Held</Link>
          </dt>
          <dd>{count(of.held)}</dd>
          {of.suspected > 0 ? (
            <dd className="note">
              {of.suspected === 1 ? "1 account looks taken over" : `${of.suspected} accounts look taken over`}
            </dd>
          ) : null}
        </div>
        {of.disk ? (
          <div className="stat">
            <dt>Disk</dt>
            <dd>
              <Units text={size(of.disk.free)} /> <small>free</small>
            </dd>
            <dd className="note">of {size(of.disk.size)}</dd>
          </div>
        ) : null}
        {next?.not_after ? (
          <div className="stat">
            <dt>
              <Link href={to("certificates")}>Certificate</Link>
            </dt>
            <dd>{left > 0 ? <Units text={span(left)} /> : "expired"}</dd>
            <dd className="note">
              <bdi>{next.name}</bdi>, until {day(new Date(next.not_after), now)}
              {wrong ? (
                <>
                  . <bdi>{wrong.name}</bdi>: <bdi>{wrong.problems[0]}</bdi>
                </>
              ) : null}
            </dd>
          </div>
        ) : null}
        {of.connections !== undefined ? (
          <div className="stat">
            <dt>
              <Link href={to("live")}>Connections</Link>
            </dt>
            <dd>{count(of.connections)}</dd>
            <dd className="note">now</dd>
          </div>
        ) : null}
      </dl>
    </section>
  );
}

/** "18 h 4 min": the units small. */
function Units({ text }: { text: string }) {
  return (
    <>
      {text.split(" ").map((one, at) =>
        /^[\d.,]+$/.test(one) ? (
          <span key={at}>
            {at ? " " : ""}
            {one}
          </span>
        ) : (
          <small key={at}> {one}</small>
        ),
      )}
    </>
  );
}

function Traffic({ hours }: { hours: readonly Hour[] }) {
  const bars = hours.map((hour) => ({
    label: clock(new Date(hour.at)),
    up: hour.accepted,
    down: hour.delivered + hour.relayed,
  }));
  if (bars.every((bar) => bar.up === 0 && bar.down === 0)) {
    return <Empty title="No mail in 24 hours.">How much comes and goes in each hour would be shown here.</Empty>;
  }
  const most = bars.reduce((best, bar) => (bar.up > best.up ? bar : best), { label: "", up: -1, down: 0 });
  const now = serverNow();
  const axis = [0, 6, 12, 18]
    .map((at) => hours[Math.floor((at * hours.length) / 24)]?.at)
    .filter((one): one is string => one !== undefined)
    .map((time, at) => (at === 0 ? when(new Date(time), now) : clock(new Date(time))));
  return (
    <Bars
      title="Mail an hour"
      up="Accepted"
      down="Delivered and relayed"
      bars={bars}
      axis={axis}
      words={
        `Mail an hour, the last 24 hours: accepted above the line, most at ${most.label}; ` +
        "delivered and relayed below it."
      }
    />
  );
}

function Found({ of }: { of: Today }) {
  const side = (
    <p className="small quiet">
      {of.examined ? (
        <>
          Looked at <Time at={of.examined} />.{" "}
        </>
      ) : null}
      <Link href={to("deliverability")}>All checks</Link>
    </p>
  );
  return (
    <Section title="What the doctor found" side={side}>
      {of.findings.length === 0 ? (
        <Empty title={of.examined ? "Nothing to do." : "The doctor has not looked yet."}>
          What is wrong, or can't be seen from here, is listed here with its remedy.
        </Empty>
      ) : (
        <ul className="findings">
          {of.findings.map((one, at) => (
            <li key={at}>
              <Mark {...levelOf(one.level)} />
              <div>
                <h3>
                  <bdi>{one.seen}</bdi>
                </h3>
                <p>
                  <bdi>{[one.means, one.advice].filter(Boolean).join(" ")}</bdi>
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
