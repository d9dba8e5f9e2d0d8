#!/usr/bin/python3
"""make bench: measures Paquebot beside Postfix, Exim, OpenSMTPD, Dovecot and smtp-sink on this machine.

    bench/run.py [CASE...]          QUICK=1 in the environment: fewer rounds and cells; ROUNDS=n: so many rounds

Tables go to the output and, with plots and raw values, into bench/results/. docs/benchmarks.md tells the method.
"""

import os
import sys
import time

import world


def main(names):
    if (code := world.enter(sys.argv)) is not None:
        return code
    import cases_smtp
    import cases_store
    import measure
    import report
    import rounds

    cases = {"accept": cases_smtp.accept, "local": cases_smtp.local, "relay": cases_smtp.relay, "submission": cases_smtp.submission,
             "queue": cases_store.queue, "pop3": cases_store.pop3, "latency": cases_smtp.latency, "syncs": cases_smtp.syncs,
             "postal": cases_smtp.postal}
    unknown = [name for name in names if name not in cases]
    if unknown:
        print(f"bench: there is no case {' '.join(unknown)}; there are {' '.join(cases)}", file=sys.stderr)
        return 2
    plan = rounds.Plan(os.environ.get("QUICK", "0") not in ("", "0"), int(os.environ.get("ROUNDS") or 0))
    os.sched_setaffinity(0, measure.LOAD_CPUS)
    texts = []
    for name in names or cases:
        print(f"== {name}: {plan}", flush=True)
        began, results = time.monotonic(), report.Results(name)
        results.note(" ".join(cases[name].__doc__.split()))
        cases[name](results, plan)
        how = f"{time.strftime('%Y-%m-%d %H:%M')}, {plan}, servers on CPU {sorted(measure.SERVER_CPUS)}, generators on {sorted(measure.LOAD_CPUS)}"
        texts.append(results.save(how))
        print(f"  took {time.monotonic() - began:.0f} s\n", flush=True)
    print("\n".join(text.split("\n### Settings")[0] for text in texts))
    print(f"Also in {report.RESULTS.relative_to(world.SOURCE)}, with settings and plots.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
