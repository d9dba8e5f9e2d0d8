// The doctor goes step by step, for a check can take seconds: what is known is shown meanwhile.
import { useCallback, useEffect, useRef, useState } from "react";
import { type Problem, type Step, type Symptom, asProblem, at, get } from "./api";

export interface Round {
  findings: Symptom[];
  /** What is looked at now; nothing: the round is over. */
  now: string | undefined;
  done: number;
  of: number;
  problem: Problem | undefined;
  again: () => void;
}

/** More steps than any round has: a server that never ends one is not asked for ever. */
const mostSteps = 500;

/** All steps of the doctor at that path, one after the other. */
export function useDoctor(path: string): Round {
  const [round, setRound] = useState<Omit<Round, "again">>({
    findings: [],
    now: "",
    done: 0,
    of: 0,
    problem: undefined,
  });
  const [turn, setTurn] = useState(0);
  const running = useRef<AbortController>();
  useEffect(() => {
    const giveUp = new AbortController();
    running.current = giveUp;
    setRound({ findings: [], now: "the first check", done: 0, of: 0, problem: undefined });
    const walk = async (): Promise<void> => {
      let step: number | undefined = 0;
      const findings: Symptom[] = [];
      for (let asked = 0; step !== undefined && asked < mostSteps; ++asked) {
        const one: Step = await get<Step>(at(path, { step }), giveUp.signal);
        findings.push(...(one.findings ?? []));
        step = one.next;
        setRound({
          findings: [...findings],
          now: step === undefined ? undefined : one.next_label || "the next check",
          done: asked + 1,
          of: one.of,
          problem: undefined,
        });
      }
      setRound((was) => ({ ...was, now: undefined }));
    };
    walk().catch((error: unknown) => {
      if (!giveUp.signal.aborted)
        setRound((was) => ({ ...was, now: undefined, problem: asProblem(error, `GET ${path}`) }));
    });
    return () => giveUp.abort();
  }, [path, turn]);
  return { ...round, again: useCallback(() => setTurn((n) => n + 1), []) };
}
