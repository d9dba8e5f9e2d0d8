"""The book of what was sent, what was answered, and what became of it: the judge of every suite here.

Every message carries a mark of its own in a header field and in its body. After the server has been brought up again, and its
queue has drained, `check` compares the answers with the mailboxes, with what the peer has taken, and with the reports.
"""

import dataclasses
import hashlib
import re
import threading

MARK = re.compile(rb"X-Ledger: (\d+)")
FIELDS_WE_ADD = ("received", "return-path", "delivered-to", "date", "message-id")


class Sent:
    """One attempt to hand over one message."""

    def __init__(self, number, sender, local, remote, bad, size, options):
        self.number, self.sender, self.local, self.remote, self.bad = number, sender, list(local), list(remote), list(bad)
        self.options = list(options)  # of MAIL
        self.line = b"%d " % number + b"0123456789" * 6 + b"\r\n"
        self.lines = max(1, size // len(self.line))
        self.code = None       # of the final reply; None: none came
        self.begun = False     # the end of the data was sent: without a reply, nobody knows
        self.attempts = 1      # how often the client has sent it

    @property
    def body(self):
        """Made anew each time: a long soak sends more than fits into memory."""
        return self.line * self.lines

    def recipients(self):
        return self.local + self.remote + self.bad

    def head(self):
        return (f"From: <{self.sender}>\r\nTo: {', '.join(f'<{r}>' for r in self.recipients())}\r\nSubject: number {self.number}\r\n"
                f"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nMessage-ID: <{self.number}@ledger.test>\r\nX-Ledger: {self.number}\r\n")

    def data(self):
        return self.head().encode() + b"\r\n" + self.body


class Ledger:
    def __init__(self):
        self.sent, self.lock = [], threading.Lock()
        self.deleted = {}      # login: UIDLs whose deletion a QUIT has acknowledged
        self.in_doubt = {}     # login: UIDLs that a QUIT without a reply would delete
        self.kills = 0
        self.lost_replies = set()  # numbers of messages whose final reply the peer has given to nobody

    def write(self, sender, local=(), remote=(), bad=(), size=200, options=()):
        """A new message: `local` are our mailboxes, `remote` the peer takes, `bad` it refuses."""
        with self.lock:
            self.sent.append(Sent(len(self.sent) + 1, sender, local, remote, bad, size, options))
            return self.sent[-1]

    def unanswered(self):
        return [one for one in self.sent if one.code is None and one.begun]


def split(message):
    head, _, body = message.partition(b"\r\n\r\n")
    return head, body


def mark_of(head):
    found = MARK.search(head)
    return int(found[1]) if found else None


def is_report(head):
    return b"report-type=delivery-status" in head.replace(b"\r\n\t", b" ").replace(b"\r\n ", b" ").lower()


def digest(body):
    return hashlib.sha256(body).hexdigest()


@dataclasses.dataclass
class Taken:
    """What is remembered of a message that the peer has taken: enough to judge it."""
    recipients: list
    head: bytes
    size: int      # of the body
    digest: str

    @classmethod
    def of(cls, message):
        head, body = split(message.data)
        return cls(message.recipients, head, len(body), digest(body))


class Found:
    """What is there at the end: copies of each message for each recipient, and reports about it. Looks at one message after the
    other, and keeps none: mailboxes and `taken` may be generators."""

    def __init__(self, ledger, mailboxes, taken):
        self.problems, self.copies, self.reports = [], {}, {}
        self.by_number = {one.number: one for one in ledger.sent}
        for login, messages in mailboxes.items():
            for message in messages:
                self._local(login, message)
        for message in taken:
            one = message if isinstance(message, Taken) else Taken.of(message)
            for recipient in one.recipients:
                self._copy(re.search(r"<(.*?)>", recipient)[1], one.head, one.size, one.digest)

    def _local(self, login, message):
        head, body = split(message)
        if not is_report(head):
            return self._copy(login, head, len(body), digest(body))
        about = mark_of(body)
        for recipient in re.findall(rb"(?mi)^Final-Recipient: rfc822; *(\S+)", body):
            key = about, recipient.decode()
            self.reports[key] = self.reports.get(key, 0) + 1

    def _copy(self, recipient, head, size, found):
        if (number := mark_of(head)) is None:
            self.problems.append(f"{recipient} has a message that nobody sent: {head[:200]!r}")
            return
        self.copies[number, recipient] = self.copies.get((number, recipient), 0) + 1
        one = self.by_number.get(number)
        if one is None:
            self.problems.append(f"{recipient} has message {number}, which was never sent")
        elif digest(one.body) != found:
            self.problems.append(f"message {number} for {recipient} has another content ({size} octets, not {len(one.body)})")
        elif not same_head(one, head):
            self.problems.append(f"message {number} for {recipient} has another head: {head!r}")


def same_head(sent, head):
    """What we may add stands in front; all that the sender wrote is still there, in its order."""
    return head.endswith(sent.head().rstrip("\r\n").encode())


def check(ledger, mailboxes, taken, gone=()):
    """A line for each promise that was broken. `gone`: numbers of messages that were read and deleted meanwhile, or whose report was,
    with the recipient."""
    found = Found(ledger, mailboxes, taken)
    problems = list(found.problems)
    for one in ledger.sent:
        for recipient in one.recipients():
            problems += judge(ledger, one, recipient, found, (one.number, recipient) in gone)
    return problems


def judge(ledger, one, recipient, found, was_deleted):
    copies = found.copies.get((one.number, recipient), 0)
    reports = found.reports.get((one.number, recipient), 0)
    name = f"message {one.number} ({one.code or 'no reply'}) for {recipient}"
    problems = []
    acknowledged = one.code == 250
    refused = one.code is not None and one.code >= 500
    local = recipient in one.local
    if acknowledged and copies == 0 and reports == 0 and not was_deleted:
        problems.append(f"{name} is lost")
    if refused and (copies or reports):
        problems.append(f"{name} came all the same")
    if not one.begun and copies:
        problems.append(f"{name} came without having been sent whole")
    if copies and reports and one.number not in ledger.lost_replies:
        problems.append(f"{name} was delivered and reported as well")
    most = one.attempts if local else one.attempts + ledger.kills
    if copies > most:
        problems.append(f"{name} came {copies} times, at most {most} are possible")
    if reports > one.attempts:
        problems.append(f"{name} was reported {reports} times")
    if recipient in one.bad and acknowledged and copies:
        problems.append(f"{name} was refused by the peer, and came")
    return problems
