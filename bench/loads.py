"""The load: third-party generators first (smtp-source, postal), and our own three tools. All run on the CPUs that are not the server's."""

import json
import subprocess
import time

import world

SECONDS = 900
SENDER = "sender@elsewhere.test"


def smtp_source_words(port, rcpt, size, sessions, count, kept=True, sender=SENDER):
    words = ["/usr/sbin/smtp-source", "-s", sessions, "-m", count, "-l", size, "-f", sender, "-t", rcpt]
    return [str(word) for word in [*words, *(["-d"] if kept else []), f"127.0.0.1:{port}"]]


def smtp_source(port, rcpts, size, sessions, count, kept=True, sender=SENDER):
    """Sends `count` messages over so many connections, shared by one generator for each recipient. Gives the seconds that it took;
    raises when one was not accepted."""
    parts = len(rcpts)
    started = time.monotonic()
    running = [subprocess.Popen(smtp_source_words(port, rcpt, size, max(1, sessions // parts), count // parts, kept, sender),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
               for rcpt in rcpts]
    ends = [process.communicate(timeout=SECONDS)[1] for process in running]
    took = time.monotonic() - started
    for process, words in zip(running, ends):
        if process.returncode != 0:
            raise RuntimeError(f"smtp-source ended with {process.returncode}: {words.strip()[-500:]}")
    return took


def tool(name, **options):
    """Runs one of our tools; gives what it printed as a dictionary."""
    words = [str(word) for key, value in options.items() for word in (f"--{key.replace('_', '-')}", value)]
    done = subprocess.run([world.TOOLS / name, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout)


def open_loop(port, rcpt, rate, seconds, size=4096, connections=20):
    return tool("open_loop", to=f"127.0.0.1:{port}", rate=rate, seconds=seconds, connections=connections, size=size,
                **{"from": SENDER}, rcpt=rcpt)


def pop3(port, user, password, mode, **more):
    return tool("pop3_reader", to=f"127.0.0.1:{port}", user=user, password=password, mode=mode, **more)


def submit(port, user, password, rcpt, resume, messages, threads=10, size=4096):
    return tool("submitter", to=f"127.0.0.1:{port}", tls="starttls", user=user, password=password, **{"from": user}, rcpt=rcpt,
                resume=int(resume), threads=threads, messages=messages, size=size)


def postal(port, users, minutes, threads, most_kib=4, per_connection=10):
    """Postal has no end of its own and reports once a minute: it is ended after so many minutes. Gives messages a second."""
    words = ["/usr/sbin/postal", "-t", threads, "-m", most_kib, "-M", most_kib, "-c", per_connection, "-r", 10000000, f"[127.0.0.1]{port}", users]
    process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True, cwd=world.base())  # it leaves a log file where it is
    try:
        time.sleep(60 * minutes + 2)
    finally:
        process.terminate()
        text = process.communicate(timeout=60)[0]
    counts = [int(fields[1]) for line in text.splitlines() if len(fields := line.split(",")) > 4 and fields[1].isdigit()]
    return sum(counts) / (60 * max(1, len(counts)))
