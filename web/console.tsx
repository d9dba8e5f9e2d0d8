// Begins the console: who is logged in, the rail, and the page that the address names.
import { useCallback, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { type Me, type Problem, asProblem, ask, whenLoggedOut } from "./api";
import { begin } from "./live";
import { Login } from "./pages/login";
import { LinkPage, ResetPage } from "./pages/links";
import { pageOf } from "./pages/all";
import { go, to, usePlace } from "./router";
import { Boundary } from "./ui/boundary";
import { Loading, Trouble } from "./ui/parts";
import { Shell } from "./ui/shell";
import { Toasts } from "./ui/toasts";
import { homeOf } from "./words";

type Session =
  { is: "asking" } | { is: "out"; ended: boolean } | { is: "in"; me: Me } | { is: "failed"; problem: Problem };

function useSession() {
  const [session, setSession] = useState<Session>({ is: "asking" });
  const load = useCallback(async () => {
    try {
      const { body } = await ask<Me>("GET", "/v1/me", { quiet: true });
      setSession({ is: "in", me: body });
    } catch (error) {
      const problem = asProblem(error, "GET /v1/me");
      setSession(problem.status === 401 ? { is: "out", ended: false } : { is: "failed", problem });
    }
  }, []);
  useEffect(() => {
    whenLoggedOut(() => setSession((was) => (was.is === "in" ? { is: "out", ended: true } : was)));
    void load();
  }, [load]);
  return { session, load, leave: () => setSession({ is: "out", ended: false }) };
}

/** A page: its title in the window, the focus on it when the reader came from another one. */
function Page({ me, reload }: { me: Me; reload: () => Promise<void> }) {
  const place = usePlace();
  const name = place.parts[0] ?? "";
  const first = useRef(true);
  const home = homeOf(me);
  useEffect(() => {
    if (name === "" || name === "login") go(to(home), true);
  }, [name, home]);
  const route = place.parts.join("/");
  const page = pageOf(name, me);
  const title = page?.title ?? "Not here";
  useEffect(() => {
    document.title = `${title} - Paquebot`;
  }, [title]);
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    const target = place.hash ? document.getElementById(place.hash) : null;
    if (target) {
      target.scrollIntoView();
    } else {
      scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  }, [route]);
  if (!page) {
    return (
      <>
        <div className="head">
          <h1>Not here</h1>
        </div>
        <p className="empty">
          <b>There is no such page for you.</b> It may need somebody with more rights, or the address has a typo.
        </p>
      </>
    );
  }
  const Body = page.body;
  return (
    <Boundary key={route}>
      <Body key={name} me={me} place={place} reloadMe={reload} />
    </Boundary>
  );
}

function Inside({ me, reload, leave }: { me: Me; reload: () => Promise<void>; leave: () => void }) {
  useEffect(begin, []);
  return (
    <Shell me={me} leave={leave}>
      <Page me={me} reload={reload} />
    </Shell>
  );
}

function Console() {
  const { session, load, leave } = useSession();
  const place = usePlace();
  const name = place.parts[0];
  if (name === "link")
    return (
      <LinkPage
        token={place.hash}
        done={async () => {
          await load();
          go(to(""), true);
        }}
      />
    );
  if (name === "reset") return <ResetPage token={place.hash} />;
  switch (session.is) {
    case "asking":
      return (
        <main className="door">
          <Slow />
        </main>
      );
    case "failed":
      return (
        <main className="door">
          <h1 className="brand">Paquebot</h1>
          <Trouble problem={session.problem} title="Not loaded" again={() => void load()} />
        </main>
      );
    case "out":
      return <Login ended={session.ended} done={load} />;
    case "in":
      return <Inside key={session.me.name} me={session.me} reload={load} leave={leave} />;
  }
}

function Slow() {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 400);
    return () => clearTimeout(timer);
  }, []);
  return slow ? <Loading what="your session" /> : null;
}

const element = document.getElementById("console");
if (element)
  createRoot(element).render(
    <>
      <Console />
      <Toasts />
    </>,
  );
