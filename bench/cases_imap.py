"""The IMAP case of the bench: a large mailbox, reading ahead, and sessions that wait for news."""

import contextlib
import functools
import json
import time

from cases_store import DovecotPop3, FilledPaquebot
from imap_load import Client
import measure
from postfix import free_port
from rounds import in_turn, measured, running
from servers import DOMAIN, PASSWORD, Job, lines_of, submission_certificate, table, wait_until

KIB = 1 << 10
USER = f"u0@{DOMAIN}"
LETTER = b"From: <a@b.test>\r\nSubject: news\r\n\r\n" + b"x" * 500 + b"\r\n"
DOVECOT_IMAP = """
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
protocols = imap lmtp pop3
mail_max_userip_connections = 10000
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
  service_count = 0
  process_min_avail = 2
  client_limit = 10000
}}
service imap {{
  process_limit = 10000
}}
service anvil {{
  client_limit = 20000
}}
service auth {{
  client_limit = 20000
}}
"""


class PaquebotImap(FilledPaquebot):
    """Ours, with mail in u0's mailbox."""

    def __init__(self, job, count=0, size=4 * KIB):
        self.imap_port, self.imaps_port = free_port(), free_port()
        super().__init__(job, count, size)

    def toml(self):
        certificate, key = submission_certificate()
        parts = [table("listener", {"role": "imap", "address": f"127.0.0.1:{self.imap_port}", "tls": "none", "login_in_clear": True}, double=True),
                 table("listener", {"role": "imap", "address": f"127.0.0.1:{self.imaps_port}", "tls": "implicit"}, double=True),
                 table("imap", {"sessions_per_account": 5000}), table("tls", {"certificate": certificate, "key": key})]
        return "\n".join([super().toml(), *parts])


    def wait_for_index(self):
        wait_until(lambda: json.loads(self.cli("search", "status", "--json"))["state"] == "current", 120, "the index for searches")


class DovecotImap(DovecotPop3):
    """Dovecot with the same mail as a Maildir."""

    def __init__(self, job, count=0, size=4 * KIB):
        super().__init__(job, count, size)
        self.imap_port, self.imaps_port = free_port(), free_port()
        certificate, key = submission_certificate()
        self.dovecot.text += DOVECOT_IMAP.format(certificate=certificate, key=key, imap=self.imap_port, imaps=self.imaps_port)

    def wait_ready(self):
        wait_until(lambda: lines_of(self.imap_port), 30, "Dovecot's IMAP")

    def wait_for_index(self):
        """It has none: it reads all messages, once they are in its cache their heads from there."""


def client(server, tls=False):
    return Client(server.imaps_port if tls else server.imap_port, USER, PASSWORD, tls)


def select(server):
    with client(server) as one:
        return {"select": one.must("SELECT INBOX")[0] * 1000}


def search(server, what):
    with client(server) as one:
        one.must("SELECT INBOX")
        return {"search": one.must(f"SEARCH {what}")[0] * 1000}


def fetch(server, count):
    """Whole messages, 100 commands at a time."""
    with client(server) as one:
        one.must("SELECT INBOX")
        began = time.monotonic()
        for first in range(1, count + 1, 100):
            one.must(*(f"FETCH {number} BODY.PEEK[]" for number in range(first, min(first + 100, count + 1))))
        return {"seconds": time.monotonic() - began}


def idle_memory(server, tls, sessions):
    """KiB that each session takes once it waits for news."""
    with contextlib.ExitStack() as stack:
        def wait(many):
            for _ in range(many):
                one = stack.enter_context(client(server, tls))
                one.must("SELECT Trash")
                one.idle()
            time.sleep(2)  # nothing moves any more
            return server.group.memory()

        before = wait(20)  # what is made once
        return {"idle": (wait(sessions) - before) / sessions / 1024}


def news(server):
    """Milliseconds from the beginning of an APPEND until a session in IDLE hears of it."""
    with client(server) as watcher, client(server) as writer:
        watcher.must("SELECT Trash")
        watcher.idle()
        time.sleep(0.3)  # it waits
        began = time.monotonic()
        writer.append("Trash", LETTER)
        watcher.until(b" EXISTS")
        told = (time.monotonic() - began) * 1000
        watcher.done()
        return {"news": told}


def make_trash(server):
    with client(server) as one:
        with contextlib.suppress(RuntimeError):  # ours has it
            one.must("CREATE Trash")


def imap(results, plan):
    """SELECT of a large mailbox (a login each time), whole messages of 4 KiB by FETCH, 100 commands ahead, what a session in IDLE takes, and when it hears
    of an APPEND; SEARCH of the large one, by the index that ours has beside the store and Dovecot has not. Dovecot reads Maildir (mail_fsync = optimized); its first SELECT, which builds its index, is a row of its own. Ours syncs before each OK."""
    large, some = (20_000, 2_000) if plan.quick else (100_000, 10_000)
    for count, size in ((large, 512), (some, 4 * KIB)):
        kinds = (PaquebotImap, DovecotImap)
        made = [functools.partial(kind, count=count, size=size) for kind in kinds]
        for kind, maker in zip(kinds, made):
            maker.name = kind.name
        with running(results, made, lambda kind: Job("pop3")) as started:
            cell = f"{count:,} messages"
            in_turn(results, f"{cell}, first SELECT", 1, started, select)
            in_turn(results, f"{cell}, SELECT", plan.rounds * 4, started, select)
            if count == large:
                for server in started:
                    server.wait_for_index()
                in_turn(results, f"{cell}, a word in none", 2, started, functools.partial(search, what='TEXT "eleven"'))
                in_turn(results, f"{cell}, a subject of one", 2, started, functools.partial(search, what=f'SUBJECT "number {count - 3}"'))
                continue
            measured(results, plan, "FETCH pipelined", started, fetch, least=1000, most=count)
            for server in started:
                make_trash(server)
            in_turn(results, "news in IDLE", plan.rounds * 4, started, news)
            measure.settle()
            for tls, name in ((False, "plain"), (True, "TLS")):
                sessions = 100 if plan.quick else 500
                in_turn(results, f"IDLE, {name}, {sessions} sessions", 1, started, functools.partial(idle_memory, tls=tls, sessions=sessions))
