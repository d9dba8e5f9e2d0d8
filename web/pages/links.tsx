// Addresses that work once. Nothing is used up by opening them: a button is.
import { useState } from "react";
import { ask } from "../api";
import { Link, to } from "../router";
import { Field } from "../ui/field";
import { useDoing } from "../ui/hooks";
import { Mark, Trouble } from "../ui/parts";

export function LinkPage({ token, done }: { token: string; done: () => Promise<void> }) {
  const doing = useDoing();
  const open = async (): Promise<void> => {
    if (await doing.run(() => ask("POST", "/v1/session/link", { body: { token }, quiet: true }))) await done();
  };
  return (
    <main className="door" id="main">
      <h1 className="brand">
        Paquebot <span>{location.hostname}</span>
      </h1>
      {doing.problem ? (
        <Trouble
          problem={{
            ...doing.problem,
            advice: doing.problem.advice ?? "Make another with “paquebot console link” on the machine.",
          }}
          title="Not opened"
        />
      ) : null}
      {token ? (
        <>
          <p>This address opens the console once, for you, in this browser.</p>
          <button className="btn btn--primary" type="button" aria-disabled={doing.busy} onClick={() => void open()}>
            Open the console
          </button>
        </>
      ) : (
        <p>This address is not whole: it ends with # and a long word. Copy all of it.</p>
      )}
      <footer>
        <p>
          <Link href={to("login")}>Log in with a password</Link> instead.
        </p>
      </footer>
    </main>
  );
}

export function ResetPage({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [changed, setChanged] = useState(false);
  const doing = useDoing();
  const run = async (): Promise<void> => {
    if (await doing.run(() => ask("POST", "/v1/session/reset", { body: { token, password }, quiet: true })))
      setChanged(true);
  };
  const other = doing.problem?.field === "password" ? undefined : doing.problem;
  return (
    <main className="door" id="main">
      <h1 className="brand">
        Paquebot <span>{location.hostname}</span>
      </h1>
      {changed ? (
        <>
          <p role="status">
            <Mark is="good" word="Changed" /> Your new password works now, and all older sessions have ended.
          </p>
          <p>
            <Link className="btn btn--primary" href={to("login")}>
              Log in
            </Link>
          </p>
        </>
      ) : token ? (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            void run();
          }}
        >
          <Trouble problem={other} title="Not changed" />
          <Field
            label="New password"
            name="password"
            value={password}
            set={setPassword}
            type="password"
            autoComplete="new-password"
            problem={doing.problem}
            help="At least 8 characters. The address of this page works once."
          />
          <button className="btn btn--primary" type="submit" aria-disabled={doing.busy}>
            Set the password
          </button>
        </form>
      ) : (
        <p>This address is not whole: it ends with # and a long word. Copy all of it, or ask for another one.</p>
      )}
    </main>
  );
}
