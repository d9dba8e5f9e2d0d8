// The rail of words and the page beside it.
import { type ReactNode, useEffect, useRef } from "react";
import { type Me, type Today, act } from "../api";
import { clock, count } from "../format";
import { pause, useLive, useRefresh } from "../live";
import { Link, go, to, usePlace } from "../router";
import { railOf, roleOf } from "../words";
import { useAsk, useDoing } from "./hooks";
import { Trouble, Mark } from "./parts";

const roleNames = { operator: "operator", domain: "domain administrator", account: "account" };

export function Shell({ me, leave, children }: { me: Me; leave: () => void; children: ReactNode }) {
  const place = usePlace();
  const here = place.parts[0];
  const rail = useRef<HTMLDivElement>(null);
  const leaving = useDoing();
  useEffect(() => {
    // Gone to another page: the menu of small windows closes.
    const body = rail.current as (HTMLDivElement & { hidePopover?: () => void }) | null;
    if (body?.matches(":popover-open")) body.hidePopover?.();
  }, [place]);
  const logOut = async (): Promise<void> => {
    if (await leaving.run(() => act("DELETE", "/v1/session"))) {
      leave();
      go(to("login"), true);
    }
  };
  const own = roleOf(me) === "account";
  const counts = useCounts(roleOf(me) === "operator" && me.role !== "sink");
  return (
    <div className="shell">
      <a
        className="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to content
      </a>
      <header className="rail">
        <Link className="brand" href={to("")}>
          Paquebot <span>{me.hostname ?? location.hostname}</span>
        </Link>
        <button className="btn btn--small rail__menu" type="button" {...{ popovertarget: "rail" }}>
          Menu
        </button>
        <div className="rail__body" id="rail" ref={rail} {...{ popover: "auto" }}>
          <nav className="nav" aria-label="Pages">
            {railOf(me).map((group, at) => (
              <ul key={at}>
                {group.map((page) => (
                  <li key={page.path}>
                    <Link
                      href={to(page.path)}
                      aria-current={page.path === here ? "page" : undefined}
                      aria-describedby={counts[page.path] ? `count-${page.path}` : undefined}
                    >
                      {own && page.own ? page.own : page.title}
                    </Link>
                    {counts[page.path]}
                  </li>
                ))}
              </ul>
            ))}
          </nav>
          {me.role === "sink" ? null : (
            <div className="rail__foot">
              <strong>
                <bdi>{me.login ?? me.name}</bdi>
              </strong>
              {roleNames[roleOf(me)]}
              <button className="btn btn--small btn--quiet" type="button" onClick={() => void logOut()}>
                Log out
              </button>
            </div>
          )}
        </div>
      </header>
      <main className="page" id="main" tabIndex={-1}>
        <Trouble problem={leaving.problem} title="Not logged out" />
        {children}
      </main>
    </div>
  );
}

/** Numbers beside pages, only where they ask for something. */
function useCounts(operator: boolean): Record<string, ReactNode> {
  const today = useAsk<Today>(operator ? "/v1/today" : null);
  useRefresh(today.reload, () => false, 60_000);
  const wrong = today.data?.findings.filter((one) => one.level === "wrong").length ?? 0;
  const waiting = today.data?.waiting ?? 0;
  const held = today.data?.held ?? 0;
  const queue =
    waiting > 0 ? (
      <>
        {count(waiting)}
        <span className="sr"> waiting</span>
      </>
    ) : held > 0 ? (
      <>
        {count(held)}
        <span className="sr"> held</span>
      </>
    ) : null;
  return {
    queue: queue ? (
      <span className="count" id="count-queue">
        {queue}
      </span>
    ) : null,
    deliverability:
      wrong > 0 ? (
        <span className="count state" data-is="bad" id="count-deliverability">
          {wrong}
          <span className="sr"> wrong</span>
        </span>
      ) : null,
  };
}

/** The head of a page; `live`: it changes by itself, which can be paused. */
export function Head({
  title,
  side,
  live,
  children,
}: {
  title: ReactNode;
  side?: ReactNode;
  live?: boolean;
  children?: ReactNode;
}) {
  return (
    <div className="head">
      <h1>
        {title} {side ? <span>{side}</span> : null}
      </h1>
      {live ? <LiveMark /> : null}
      {children}
    </div>
  );
}

function LiveMark() {
  const live = useLive();
  const paused = live.is === "paused";
  const mark = {
    live: <Mark is="good" word="live" />,
    asking: <Mark is="waiting" word="asked each 15 s" />,
    lost: <Mark is="bad" word={`no connection since ${clock(live.since, true)}`} />,
    paused: <Mark is="held" word={`paused at ${clock(live.since, true)}`} />,
  }[live.is];
  return (
    <p className="actions small quiet">
      <span role="status">{mark}</span>
      <button className="btn btn--small" type="button" aria-pressed={paused} onClick={() => pause(!paused)}>
        Pause
      </button>
    </p>
  );
}
