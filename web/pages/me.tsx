// My account: what is wrong, how to set up a program, passwords, the second step, limits.
import { Setup } from "./setup";
import { Qr } from "./setup";
import { useState } from "react";
import { type AccountShown, type Me, type Symptom, act, part } from "../api";
import { Link, to } from "../router";
import { levelOf, worstFirst } from "../words";
import { only, useDanger } from "../ui/dialog";
import { Field, Form } from "../ui/field";
import { useAsk, useDoing } from "../ui/hooks";
import { Copy, Mark, Section, Sentence } from "../ui/parts";
import { Head } from "../ui/shell";
import { say } from "../ui/toasts";
import { AppPasswords, Limits } from "./account_parts";
import { Sessions } from "./sessions";
import { WhyNot } from "./why_not";
import type { PageProps } from "./page";

export function MePage({ me, reloadMe }: PageProps) {
  const login = me.login ?? "";
  const doctor = useAsk<{ findings: Symptom[] }>(`/v1/accounts/${part(login)}/doctor`);
  const account = useAsk<AccountShown>(`/v1/accounts/${part(login)}`);
  const worst = worstFirst(doctor.data?.findings ?? [])[0];
  const bad = worst && worst.level !== "good" ? worst : undefined;
  return (
    <>
      <Head title={<bdi>{login}</bdi>} side="my account" />
      {bad ? (
        <Sentence
          small
          label="My account in one sentence"
          state={levelOf(bad.level)}
          main={<bdi>{bad.seen}</bdi>}
          why={<bdi>{[bad.means, bad.advice].filter(Boolean).join(" ")}</bdi>}
        />
      ) : doctor.data ? (
        <Sentence
          small
          label="My account in one sentence"
          state={levelOf("good")}
          main="All is well: nothing of yours was refused."
        />
      ) : null}
      {me.two_factor_recommended && !me.totp ? (
        <p className="small">
          <Mark is="note" word="Note" /> You may change things of others: <a href="#second">set up a second step</a>, so
          that a stolen password is not enough.
        </p>
      ) : null}
      <nav className="tabs" aria-label="On this page">
        <a href="#why">Why can't I send?</a>
        <a href="#programs">Set up a program</a>
        <a href="#app-passwords">App passwords</a>
        <a href="#limits">Limits</a>
        <a href="#password">Password</a>
        <a href="#second">Second step</a>
        <a href="#sessions">Sessions</a>
        <Link href={to("trail")}>Sent and received</Link>
        <Link href={to("queue", { view: "held" })}>Held mail</Link>
      </nav>
      <WhyNot login={login} doctor={doctor} own />
      <Setup login={login} />
      <AppPasswords login={login} />
      <Limits login={login} mailbox={account.data} />
      <Password login={login} />
      <SecondStep me={me} done={reloadMe} />
      <Sessions />
    </>
  );
}

function Password({ login }: { login: string }) {
  const [password, setPassword] = useState("");
  const doing = useDoing();
  const run = (): void =>
    void doing.run(async () => {
      await act("POST", `/v1/accounts/${part(login)}/password`, { password });
      setPassword("");
      say("Changed: your password. Your sessions elsewhere have ended.");
    });
  return (
    <Section id="password" title="Password">
      <Form run={run} problem={doing.problem} fields={["password"]}>
        <input
          className="sr"
          type="text"
          autoComplete="username"
          value={login}
          readOnly
          tabIndex={-1}
          aria-hidden="true"
        />
        <Field
          label="New password"
          name="password"
          value={password}
          set={setPassword}
          type="password"
          autoComplete="new-password"
          problem={doing.problem}
          help="At least 8 characters. Your sessions elsewhere end; this one goes on, and app passwords stay."
        />
        <p className="actions">
          <button className="btn btn--primary" type="submit" aria-disabled={doing.busy}>
            Change it
          </button>
        </p>
      </Form>
    </Section>
  );
}

interface Begun {
  secret: string;
  uri: string;
}

function SecondStep({ me, done }: { me: Me; done: () => Promise<void> }) {
  const [begun, setBegun] = useState<Begun>();
  const [recovery, setRecovery] = useState<string[]>();
  const on = me.totp === true;
  return (
    <Section
      id="second"
      title="Second step"
      about={
        "Besides the password a code is asked for here, which a program on your phone shows. Mail " +
        "programs then need app passwords."
      }
    >
      <p>
        <Mark is={on ? "good" : "idle"} word={on ? "on" : "off"} />
        {on && me.recovery_codes !== undefined ? ` ${me.recovery_codes} recovery codes are left.` : null}
      </p>
      {recovery ? (
        <div className="secret stack" role="status">
          <p>
            <b>The second step is on.</b> Each of these recovery codes opens the door once, when the phone is lost.
            Write them down now: they can't be shown again.
          </p>
          <Copy text={recovery.join("\n")} what="the recovery codes" />
          <p className="actions">
            <button className="btn" type="button" onClick={() => setRecovery(undefined)}>
              They are written down
            </button>
          </p>
        </div>
      ) : on ? (
        <End done={done} />
      ) : begun ? (
        <Confirm
          of={begun}
          done={(codes) => {
            setBegun(undefined);
            setRecovery(codes);
            void done();
          }}
        />
      ) : (
        <Begin begun={setBegun} />
      )}
    </Section>
  );
}

function Begin({ begun }: { begun: (made: Begun) => void }) {
  const [password, setPassword] = useState("");
  const doing = useDoing();
  return (
    <Form
      run={() => void doing.run(async () => begun(await act<Begun>("POST", "/v1/me/totp", { password })))}
      problem={doing.problem}
      fields={["password"]}
    >
      <Field
        label="Password now"
        name="password"
        value={password}
        set={setPassword}
        type="password"
        autoComplete="current-password"
        problem={doing.problem}
      />
      <p className="actions">
        <button className="btn" type="submit" aria-disabled={doing.busy}>
          Set it up
        </button>
      </p>
    </Form>
  );
}

function Confirm({ of, done }: { of: Begun; done: (recovery: string[]) => void }) {
  const [code, setCode] = useState("");
  const doing = useDoing();
  const run = (): void =>
    void doing.run(async () => {
      const { recovery } = await act<{ recovery: string[] }>("POST", "/v1/me/totp/confirm", {
        code: code.replace(/\s/g, ""),
      });
      done(recovery);
    });
  return (
    <div className="stack">
      <p>Let the program on your phone read this, or type the secret into it. Then write the code that it shows.</p>
      <Qr text={of.uri} label="The secret, for a camera; it stands below as text" />
      <Copy text={of.secret} what="the secret" />
      <Form run={run} problem={doing.problem} fields={["code"]}>
        <Field
          label="Code"
          name="code"
          value={code}
          set={setCode}
          inputMode="numeric"
          autoComplete="one-time-code"
          problem={doing.problem}
          help="The 6 digits that your phone shows."
        />
        <p className="actions">
          <button className="btn btn--primary" type="submit" aria-disabled={doing.busy}>
            Turn it on
          </button>
        </p>
      </Form>
    </div>
  );
}

function End({ done }: { done: () => Promise<void> }) {
  const [password, setPassword] = useState("");
  const [open, setOpen] = useState(false);
  const doing = useDoing();
  const danger = useDanger();
  if (!open)
    return (
      <p className="actions">
        <button className="btn btn--danger" type="button" onClick={() => setOpen(true)}>
          Do without it…
        </button>
      </p>
    );
  const ask = (): void =>
    danger.open({
      ask: only(1),
      title: () => "second step is taken away",
      body: "Your password alone opens this console again. The recovery codes are forgotten.",
      keep: "Keep it",
      go: () => "Take it away",
      run: () => act("DELETE", "/v1/me/totp", { password }),
      done: () => {
        say("Taken away: the second step.");
        void done();
      },
    });
  return (
    <>
      <Form run={ask} problem={doing.problem} fields={["password"]}>
        <Field
          label="Password now"
          name="password"
          value={password}
          set={setPassword}
          type="password"
          autoComplete="current-password"
        />
        <p className="actions">
          <button className="btn btn--danger" type="submit">
            Do without it…
          </button>
          <button className="btn" type="button" onClick={() => setOpen(false)}>
            Keep it
          </button>
        </p>
      </Form>
      {danger.dialog}
    </>
  );
}
