"""What a server does with its database, in steps that can be walked again and again, each with a message of its own; and the book of it.

Each step goes on, as its client would, until it has a positive answer: what was answered with a refusal is asked for again. So every
message is there once in the end; twice only where the book says that it may be.
"""

import collections
import contextlib
import http.client
import imaplib
import json
import poplib
import re
import smtplib
import subprocess

from api import LocalConnection
from dns import Dns
from imap_ledger import GONE, Book, ImapClient, Refused
from peer import Peer
from server import SECRET, Server, letter, transact, wait_until

ANN, BOB, POP, IMA = (f"{name}@example.test" for name in ("ann", "bob", "pop", "ima"))
MARK = re.compile(rb"X-Ledger: (\S+)")
TRIES = 20
REFUSED = (OSError, EOFError, smtplib.SMTPException, poplib.error_proto, imaplib.IMAP4.error, AssertionError, http.client.HTTPException, Refused)


class Psql:
    """One connection for looks of the test's own, beside the wire."""

    def __init__(self, postgres, database):
        self.process = subprocess.Popen([postgres.programs / "psql", "-h", postgres.folder, "-p", str(postgres.port), "-U", "paquebot", "-d", database,
                                         "-XAtq", "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **postgres.as_user())

    def ask(self, query):
        self.process.stdin.write(f"{query};\n\\echo .\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline().rstrip("\n")) != ".":
            if not line and self.process.poll() is not None:
                raise AssertionError("psql has ended")
            lines.append(line)
        return "\n".join(lines)

    def close(self):
        self.process.communicate()


def refuse_some(session, verb, line):
    return "550 5.1.1 nobody of that name" if verb == "RCPT" and "refused@" in line else None


class Dialogue:
    """A server whose connections to its database go by way of `wire`."""

    def __init__(self, stack, postgres, wire):
        postgres.make("cut")
        self.sql = stack.enter_context(contextlib.closing(Psql(postgres, "cut")))
        self.peer = stack.enter_context(Peer(script=refuse_some))
        dns = stack.enter_context(Dns("nobody.test MX 10 mx.nobody.test", "mx.nobody.test A 127.0.0.9"))
        clear = {"tls": "none", "login_in_clear": True}
        listeners = {"mx": {"role": "mx", "tls": "none"}, "submission": {"role": "submission", **clear},
                     "pop3-clear": {"role": "pop3", **clear}, "imap": {"role": "imap", **clear}}
        self.server = stack.enter_context(Server(
            accounts=dict.fromkeys((ANN, BOB, POP, IMA), SECRET), listeners=listeners, dns=dns, queue={"retry_first": "1s", "retry_most": "1s"},
            routes=[{"to": "far.test", "host": f"127.0.0.1:{self.peer.port}", "tls": "none"},
                    {"to": "nobody.test", "host": "127.0.0.1:9", "tls": "none"}],
            account_limits=dict.fromkeys(("messages_per_hour", "messages_per_day", "recipients_per_day", "new_recipients_per_day", "bytes_per_day"), 0),
            extra={"authentication": {"verify": False}, "takeover": {"enabled": False}},
            extra_server={"store": f"postgresql://paquebot@/cut?host={wire.folder}&port={wire.port}", "threads": 2}))
        self.marks, self.expected, self.problems, self.refusals = 0, {}, [], collections.Counter()
        self.cut, self.under = None, {}  # what is cut, and what was for each mark
        self.book, self.client = Book(), None
        stack.callback(lambda: self.client and self.client.close())
        with ImapClient(self.server.ports["imap"], IMA, SECRET) as client:
            client.ask("CREATE Archive")  # which may be there from the beginning

    def new_mark(self):
        self.marks += 1
        mark = f"m{self.marks}"
        self.under[mark] = str(self.cut)
        return mark

    def mark(self, where):
        """A new message's mark; `where` it is to be in the end: a login, "far", or None for nowhere."""
        mark = self.new_mark()
        self.expected[mark] = where
        return mark

    def broken(self, what):
        self.problems.append(f"{what} (cut {self.cut})")

    def until_it_works(self, step, deed):
        for _ in range(TRIES):
            try:
                return deed()
            except REFUSED as error:
                if self.server.process.poll() is not None:
                    raise RuntimeError(f"the server has ended with {self.server.process.returncode}") from error
                self.refusals[step, str(error)[:120]] += 1
        raise RuntimeError(f"{step} does not work")

    def smtp(self, mark, recipient, sender=None, size=100):
        text = letter(sender=sender or "x@y.test", to=recipient, body="0123456789" * 7 * (size // 70 + 1) + "\r\n" if size < 900 else
                      ("0123456789" * 7 + "\r\n") * (size // 72), more=f"X-Ledger: {mark}\r\n")
        with self.server.smtp("submission" if sender else "mx") as client:
            if sender:
                client.login(sender, SECRET)
            return transact(client, sender or "x@y.test", [recipient], text)

    def wait_for_outcomes(self):
        wait_until(lambda: self.sql.ask("SELECT count(*) FROM recipient WHERE state IN (2, 3) OR owed <> 0") == "0",
                   "outcomes to be recorded", 60)

    # --- the steps -----------------------------------------------------------------------------

    def accept(self):
        mark = self.mark(BOB)
        self.until_it_works("accept", lambda: self.smtp(mark, BOB))

    def accept_large(self):
        mark = self.mark(BOB)
        self.until_it_works("accept_large", lambda: self.smtp(mark, BOB, size=200_000))

    def relay(self):
        mark = self.mark("far")
        self.until_it_works("relay", lambda: self.smtp(mark, "rita@far.test", ANN))
        self.wait_for_outcomes()

    def bounce(self):
        """The report of it is what is counted."""
        mark = self.mark(ANN)
        self.until_it_works("bounce", lambda: self.smtp(mark, "refused@far.test", ANN))
        self.wait_for_outcomes()

    def delete_by_pop3(self):
        mark = self.mark(None)
        self.smtp(mark, POP)
        refused = []

        def delete():
            with contextlib.closing(self.server.pop3(POP)) as client:
                count = client.stat()[0]
                if count == 0 and refused and refused[-1] == "quit":
                    self.broken("QUIT was refused, and the message is deleted")
                    return
                assert count == 1, count
                client.retr(1)
                client.dele(1)
                refused.append("quit")
                client.quit()
        self.until_it_works("delete_by_pop3", delete)

    def by_imap(self, step, deed):
        """As a session does that lives on from step to step, until something breaks."""
        def walk():
            try:
                if self.client is None:
                    self.client = ImapClient(self.server.ports["imap"], IMA, SECRET)
                deed(self.client)
            except BaseException:
                if self.client is not None:
                    self.client.close()
                self.client = None
                raise
        self.until_it_works(step, walk)

    def append(self, client, mark, boxes=("INBOX",)):
        """Into INBOX, if it is in none of these."""
        if not self.look_for(client, mark, boxes) and client.append(self.book, "INBOX", mark) is None:
            raise Refused("APPEND")

    def folders(self):
        """APPEND, STORE, MOVE of one message."""
        mark = self.new_mark()

        def walk(client):
            self.append(client, mark, ("INBOX", "Archive"))
            if not (here := self.book.known([mark], "INBOX")):
                return
            client.select("INBOX")
            if not client.store(self.book, here, "+", {"\\Flagged"}):
                raise Refused("STORE")
            client.move(self.book, self.book.known([mark], "INBOX"), "Archive")
            if not self.book.known([mark], "Archive"):
                raise Refused("MOVE")
        self.by_imap("folders", walk)

    def copies(self):
        """COPY of one message, and EXPUNGE of what was copied."""
        mark = self.new_mark()

        def copy(client):
            self.append(client, mark)
            client.select("INBOX")
            client.copy(self.book, self.book.known([mark], "INBOX"), "Archive")
            if all(one.lost for one in self.book.copies[mark]):
                raise Refused("COPY")

        def expunge(client):
            if self.look_for(client, mark, ["INBOX"]):
                client.delete(self.book, self.book.known([mark], client.box))
                if self.book.states[mark] != {GONE}:
                    raise Refused("EXPUNGE")
        self.by_imap("copies", copy)
        self.by_imap("copies", expunge)

    def replaces(self):
        """REPLACE of one message by another one elsewhere. Where that was refused both may be there: a client deletes the old one then."""
        old, new = self.new_mark(), self.new_mark()

        def replace(client):
            if not self.look_for(client, new, ["Archive"]):
                here = self.look_for(client, old, ["INBOX"])
                if not here:
                    self.broken(f"{old} is gone, and {new} is not there")
                    return
                client.replace(self.book, old, self.book.known([old], "INBOX")[old], new, "Archive", {"\\Flagged"})
                if self.book.states[old] != {GONE}:
                    raise Refused("REPLACE")
            elif self.look_for(client, old, ["INBOX"]):
                client.delete(self.book, self.book.known([old], "INBOX"))
                if self.book.states[old] != {GONE}:
                    raise Refused("EXPUNGE")
        self.by_imap("replaces", lambda client: self.append(client, old))
        self.by_imap("replaces", replace)

    def look_for(self, client, mark, boxes):
        """Where the last attempt had no positive answer: what it came to is the state from now on. Its mailbox is selected."""
        if mark not in self.book.states:
            return False
        for box in boxes:
            for uid, one in client.listing(box).messages.items():
                if one.mark == mark:
                    self.book.sure(mark, (box, uid, one.flags), one.modseq)
                    return True
        self.book.sure(mark, GONE)
        return False

    def order(self, path, body, **fields):
        with contextlib.closing(LocalConnection(self.server.data / "control.sock")) as client:
            client.request("POST", path, json.dumps(body), {name.replace("_", "-"): value for name, value in fields.items()})
            answer = client.getresponse()
            told = json.loads(answer.read())
            if answer.status >= 500:
                raise Refused(f"{path}: {answer.status} {told.get('detail', '')}")
            assert answer.status == 200, f"{path}: {answer.status} {told}"
            return told

    def orders(self):
        """Mail that nobody takes is held, let go and dropped."""
        ident = self.until_it_works("orders", lambda: self.smtp(self.mark(None), "rita@nobody.test", ANN))
        for order in ("hold", "release", "cancel"):
            refused = []

            def give():
                try:
                    told = self.order(f"/v1/queue/{order}", {"id": ident})
                except Refused as error:
                    refused.append(str(error))
                    raise
                if told["recipients"] == 0:
                    state = self.state_of(ident)
                    done = {"hold": state == "held", "release": state != "held", "cancel": state is None}[order]
                    if not done:
                        raise Refused(f"{order}: it is in hand")
                    if refused:
                        self.broken(f"{order} was refused, and is done: {refused[-1]}")
            self.until_it_works("orders", give)

    def state_of(self, ident):
        """Of the only recipient; None: it is not in the queue."""
        return next((one["recipients"][0]["state"] for one in self.server.queued() if one["id"] == ident), None)

    def send_by_api(self):
        mark = self.mark(BOB)
        self.until_it_works("send_by_api", lambda: self.order(
            f"/v1/send?account={ANN}", {"to": [BOB], "subject": "hi", "text": "hello", "headers": {"X-Ledger": mark}}, Idempotency_Key=mark))

    STEPS = ("accept", "accept_large", "relay", "bounce", "delete_by_pop3", "folders", "copies", "replaces", "orders", "send_by_api")

    # --- the judgement -------------------------------------------------------------------------

    def judge(self):
        """A line for each promise that is broken."""
        problems = list(self.problems)
        found = collections.Counter()
        for login in (ANN, BOB, POP):
            for message in self.server.mail(login):
                found[MARK.search(message)[1].decode(), login] += 1
        for message in self.peer.messages:
            found[MARK.search(message.data)[1].decode(), "far"] += 1
        for mark, where in self.expected.items():
            places = {place: count for (which, place), count in found.items() if which == mark}
            if places != ({where: 1} if where else {}):
                problems.append(f"{mark} is to be {'once in ' + where if where else 'nowhere'}, and is {places} (cut {self.under[mark]})")
        with ImapClient(self.server.ports["imap"], IMA, SECRET) as client:
            problems += self.book.check(("INBOX", "Archive"), {box: client.listing(box) for box in ("INBOX", "Archive")})
        if self.server.queued():
            problems.append(f"the queue holds {self.server.queued()[:3]}")
        return problems + self.server.findings()
