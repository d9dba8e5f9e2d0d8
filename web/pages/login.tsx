// The door: password, then the second step for who has set it up.
import { useEffect, useRef, useState } from "react";
import { type Me, ask } from "../api";
import { useDoing } from "../ui/hooks";
import { Field } from "../ui/field";
import { Mark } from "../ui/parts";

export function Login({ ended, done }: { ended: boolean; done: () => Promise<void> }) {
  const [login, setLogin] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [second, setSecond] = useState(false);
  const doing = useDoing();
  const title = useRef<HTMLHeadingElement>(null);
  const codeBox = useRef<HTMLDivElement>(null);
  useEffect(() => {
    document.title = "Log in - Paquebot";
    title.current?.focus();
  }, []);
  useEffect(() => {
    if (second) codeBox.current?.querySelector("input")?.focus();
  }, [second]);
  const problem = doing.problem;
  const asksCode = problem?.code === "second_factor" && !second;
  const { clear } = doing;
  useEffect(() => {
    if (!asksCode) return;
    // To be asked for a code is no failure.
    clear();
    setSecond(true);
  }, [asksCode, clear]);
  const failed = asksCode ? undefined : problem;
  const run = async (): Promise<void> => {
    const body = { login: login.trim(), password, ...(second ? { code: code.replace(/\s/g, "") } : {}) };
    if (await doing.run(() => ask<Me>("POST", "/v1/session", { body, quiet: true }))) await done();
  };
  const words =
    failed?.code === "wrong_login" ? (
      <p>
        This address and password do not belong together. Write the whole address, such as ann@example.org, and your own
        password: an app password does not open this page.
      </p>
    ) : failed?.code === "wrong_code" || failed?.code === "second_factor" ? (
      <p>
        That code is not right, or was used before. Write the one that your phone shows now, or a recovery code that is
        left.
      </p>
    ) : failed ? (
      <p>
        <bdi>{failed.detail}</bdi>
        {failed.advice ? (
          <>
            {" "}
            <bdi>{failed.advice}</bdi>
          </>
        ) : null}
        {failed.after ? ` Try again in ${failed.after} s.` : null}
      </p>
    ) : null;
  return (
    <main className="door" id="main">
      <h1 className="brand" ref={title} tabIndex={-1}>
        Paquebot <span>{location.hostname}</span>
      </h1>
      {words ? (
        <div className="problem" role="alert">
          <Mark is="bad" word={failed?.code === "no_connection" ? "No connection" : "Not logged in"} />
          {words}
        </div>
      ) : ended ? (
        <p className="empty" role="status">
          <b>Your session has ended.</b> Log in, and you are where you were.
        </p>
      ) : null}
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        {second ? (
          <div ref={codeBox}>
            <p className="small quiet">
              <bdi>{login}</bdi>{" "}
              <button
                className="btn btn--small btn--quiet"
                type="button"
                onClick={() => {
                  setSecond(false);
                  setCode("");
                  doing.clear();
                }}
              >
                Somebody else
              </button>
            </p>
            <Field
              label="Code"
              name="code"
              value={code}
              set={setCode}
              inputMode="numeric"
              autoComplete="one-time-code"
              help="The 6 digits that your phone shows, or one of your recovery codes."
            />
          </div>
        ) : (
          <>
            <Field
              label="Address"
              name="login"
              value={login}
              set={setLogin}
              type="email"
              autoComplete="username"
              autoCapitalize="off"
              spellCheck={false}
            />
            <Field
              label="Password"
              name="password"
              value={password}
              set={setPassword}
              type="password"
              autoComplete="current-password"
            />
          </>
        )}
        <button className="btn btn--primary" type="submit" aria-disabled={doing.busy}>
          Log in
        </button>
      </form>
      <footer>
        <p>Forgotten? Whoever looks after your domain gives you an address that sets another password.</p>
        <p>
          You run it, and have none yet: <code>paquebot console link</code> on the machine prints an address that opens
          this console for 10 minutes.
        </p>
      </footer>
    </main>
  );
}
