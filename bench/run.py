#!/usr/bin/python3
"""make bench: measures Paquebot beside Postfix, Exim, OpenSMTPD, Dovecot and smtp-sink on this machine.

    bench/run.py [CASE...]          QUICK=1 in the environment: fewer rounds and cells; ROUNDS=n: so many rounds;
                                    CELL="4 KiB, 100 kept": of accept only the cells of that name;
                                    BASELINE=DIR: accept, local, relay, submission and pop3 compare ours with an
                                    earlier build of it instead of others (a build folder where `make bench` was made)

Tables go to the output and, with plots and raw values, into bench/results/. docs/benchmarks.md tells the method. A case that
fails is reported as far as it went, and the others follow; Ctrl-C saves what there is and ends everything.
"""

import os
import sys
import time
import traceback

import world

INTERRUPTED = 130


def all_cases(plan):
    """{name: (the case, about how many seconds it takes)}"""
    import cases_console
    import cases_counters
    import cases_imap
    import cases_internet
    import cases_smtp
    import cases_store

    one = (plan.rounds + 1.3) * plan.seconds + 5.5  # a server in a cell: its rounds, the warm-up, start and end
    quick = plan.quick
    return {"accept": (cases_smtp.accept, (sum(map(plan.wants, cases_smtp.accept_names(quick))) + 1) * 4.2 * one),
            "local": (cases_smtp.local, 4 * 2 * one),
            "relay": (cases_smtp.relay, 12 * one),
            "signed": (cases_smtp.signed, len(cases_smtp.SIGNED_CELLS) * 2 * one),
            "submission": (cases_smtp.submission, 6 * one),
            "queue": (cases_store.queue, 60 if quick else 500),
            "pop3": (cases_store.pop3, 40 if quick else 240),
            "imap": (cases_imap.imap, 60 if quick else 300),
            "latency": (cases_smtp.latency, 20 + plan.rounds * 4 * (4 if quick else 10)),
            "console": (cases_console.console, 60 + plan.rounds * 40 if quick else 240 + plan.rounds * 60),
            "counters": (cases_counters.counters, one + 10),
            "internet": (cases_internet.internet, 600 if quick else 2400),
            "syncs": (cases_smtp.syncs, 3 * 4 * 3 * one + 20),
            "postal": (cases_smtp.postal, 5 * 66)}


def run_case(name, case, plan, progress, how):
    """Gives the Markdown, and None or what ended the case early."""
    import report

    print(f"== {name}: {plan} [{progress}]", flush=True)
    results, ended = report.Results(name, progress), None
    results.note(" ".join(case.__doc__.split()))
    progress.begin(name)
    try:
        case(results, plan)
    except KeyboardInterrupt:
        ended = INTERRUPTED
        results.note("interrupted: the rest of this case is missing")
    except Exception as error:  # whatever it is, the other cases follow
        ended = 1
        traceback.print_exc()
        results.note(f"ended early, the rest of this case is missing: {type(error).__name__}: {str(error)[:300]}")
    print(f"  took {progress.end():.0f} s\n", flush=True)
    return results.save(f"{time.strftime('%Y-%m-%d %H:%M')}, {plan}, {how}"), ended


def main(names):
    if (code := world.enter(sys.argv)) is not None:
        return code
    import measure
    import report
    import rounds

    plan = rounds.Plan(os.environ.get("QUICK", "0") not in ("", "0"), int(os.environ.get("ROUNDS") or 0), os.environ.get("CELL", ""))
    cases = all_cases(plan)
    unknown = [name for name in names if name not in cases]
    if unknown:
        print(f"bench: there is no case {' '.join(unknown)}; there are {' '.join(cases)}", file=sys.stderr)
        return 2
    os.sched_setaffinity(0, measure.LOAD_CPUS)
    names = list(dict.fromkeys(names or cases))
    how = f"servers on CPU {sorted(measure.SERVER_CPUS)}, generators on {sorted(measure.LOAD_CPUS)}"
    progress = rounds.Progress({name: cases[name][1] for name in names})
    texts, code = [], 0
    for name in names:
        text, ended = run_case(name, cases[name][0], plan, progress, how)
        texts.append(text)
        code = ended or code
        if ended == INTERRUPTED:
            break
    print("\n".join(text.split("\n### Settings")[0] for text in texts))
    print(f"Also in {report.RESULTS.relative_to(world.SOURCE)}, with settings and plots.")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
