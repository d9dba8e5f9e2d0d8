"""The dialogues that tests/memcheck/endings.py cuts off, and the points at which it does."""

import dataclasses

ACCOUNTS = [f"user{number:02}@example.test" for number in range(44)]
LISTENERS = {"mx": {"role": "mx", "tls": "starttls"}, "submission": {"role": "submission", "tls": "starttls"},
             "submissions": {"role": "submission", "tls": "implicit"},
             "clear": {"role": "submission", "tls": "none", "login_in_clear": True},
             "lmtp": {"role": "lmtp", "tls": "none", "accept_from": ["127.0.0.0/8"]}, "pop3": {"role": "pop3", "tls": "starttls"},
             "pop3s": {"role": "pop3", "tls": "implicit"}, "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True}}
LARGE = b"x" * 76 + b"\r\n"
HEAD = b"From: <{user}>\r\nSubject: memcheck\r\n\r\n"
HEAD_SIZE = len(HEAD) - len("{user}") + len(ACCOUNTS[0])

# --- dialogues -----------------------------------------------------------------------------------
# Steps: (octets, what the reply's last line begins with), or None instead of the octets for a TLS handshake. {user}, {password} and
# {plain} (AUTH PLAIN's response) are the account's. A step of which `expected` is None is not answered; ANY is any reply.

TLS, ANY = (None, None), b"?"
CONTENT = [(b"DATA\r\n", b"354"), (HEAD + LARGE * 100, None), (LARGE * 4000, None)]
MESSAGE = [*CONTENT, (b".\r\n", b"250")]
STRANGE = [*CONTENT, (b".\r\n", ANY)]  # the DNS says nothing of its sender
DIALOGUES = {
    "mx": ("mx", [(b"", b"220"), (b"EHLO client.test\r\n", b"250 "), (b"MAIL FROM:<a@y.test> SIZE=1000\r\n", b"250"),
                  (b"RCPT TO:<user00@example.test>\r\n", b"250"), (b"RCPT TO:<nobody@example.test>\r\n", b"550"), *STRANGE,
                  (b"RSET\r\n", b"250"), (b"QUIT\r\n", b"221")]),
    "mx under TLS": ("mx", [(b"", b"220"), (b"EHLO client.test\r\n", b"250 "), (b"STARTTLS\r\n", b"220"), TLS, (b"EHLO client.test\r\n", b"250 "),
                            (b"MAIL FROM:<a@y.test>\r\n", b"250"), (b"RCPT TO:<user00@example.test>\r\n", b"250"), *STRANGE]),
    "submission": ("submission", [(b"", b"220"), (b"EHLO client.test\r\n", b"250 "), (b"STARTTLS\r\n", b"220"), TLS, (b"EHLO client.test\r\n", b"250 "),
                                  (b"AUTH LOGIN\r\n", b"334"), (b"{user64}\r\n", b"334"), (b"{password64}\r\n", b"235"),
                                  (b"MAIL FROM:<{user}> BODY=8BITMIME\r\n", b"250"), (b"RCPT TO:<user00@example.test>\r\n", b"250"), *MESSAGE]),
    "chunks": ("submissions", [TLS, (b"", b"220"), (b"EHLO client.test\r\n", b"250 "), (b"AUTH PLAIN {plain}\r\n", b"235"),
                               (b"MAIL FROM:<{user}> BODY=BINARYMIME\r\nRCPT TO:<user01@example.test>\r\n", b"250"), (b"", b"250"),
                               (b"BDAT %d\r\n" % HEAD_SIZE + HEAD, b"250"), (b"BDAT 156000\r\n" + LARGE * 2000, b"250"), (b"BDAT 156000\r\n" + LARGE * 2000, b"250"),
                               (b"BDAT 0 LAST\r\n", b"250")]),
    "lmtp": ("lmtp", [(b"", b"220"), (b"LHLO client.test\r\n", b"250 "), (b"MAIL FROM:<a@y.test>\r\n", b"250"), (b"RCPT TO:<user00@example.test>\r\n", b"250"),
                      (b"RCPT TO:<user01@example.test>\r\n", b"250"), *MESSAGE, (b"", b"250"), (b"QUIT\r\n", b"221")]),
    "pop3": ("pop3-clear", [(b"", b"+OK"), (b"CAPA\r\n", b"."), (b"USER {user}\r\n", b"+OK"), (b"PASS {password}\r\n", b"+OK"), (b"STAT\r\n", b"+OK"),
                            (b"LIST\r\n", b"."), (b"UIDL\r\n", b"."), (b"TOP 1 1\r\n", b"."), (b"RETR 2\r\n", b"."), (b"DELE 1\r\n", b"+OK"),
                            (b"RETR 1\r\n", b"-ERR"), (b"RETR 2\r\n", None)]),
    "pop3 under TLS": ("pop3", [(b"", b"+OK"), (b"STLS\r\n", b"+OK"), TLS, (b"AUTH PLAIN {plain}\r\n", b"+OK"), (b"RETR 2\r\n", b"."), (b"RETR 2\r\n", None)]),
    "pop3s": ("pop3s", [TLS, (b"", b"+OK"), (b"USER {user}\r\nPASS {password}\r\nRETR 2\r\n", b"+OK"), (b"", b"+OK"), (b"", b"."), (b"DELE 1\r\n", b"+OK")]),
}
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40)  # the beginning of one


@dataclasses.dataclass
class Point:
    """Where a connection is to stand: `steps`, and then `rest` is sent and nothing waited for; `late` is for whoever made it."""
    name: str
    listener: str
    steps: list
    rest: bytes = b""
    late: bytes = b""

    def is_in(self):
        """The session belongs to an account."""
        return any(octets and (b"{plain}" in octets or b"{password" in octets) for octets, _ in self.steps)


def points_of_dialogues():
    for name, (listener, steps) in DIALOGUES.items():
        for number, (octets, _) in enumerate(steps):
            yield Point(f"{name}: before step {number}", listener, steps[:number])
            half = CLIENT_HELLO if octets is None else octets[:len(octets) // 2] if b"{" not in octets else octets[:4]
            if half:
                yield Point(f"{name}: within step {number}", listener, steps[:number], half)
        yield Point(f"{name}: at its end", listener, steps)


def waiting_points():
    """Where the server waits for somebody else. The first ones are for the disk."""
    entered = [(b"", b"220"), (b"EHLO client.test\r\n", b"250 "), (b"AUTH PLAIN {plain}\r\n", b"235"), (b"MAIL FROM:<{user}>\r\n", b"250"),
               (b"RCPT TO:<user00@example.test>\r\n", b"250")]
    large = HEAD + LARGE * 9000
    size = HEAD_SIZE + 9000 * len(LARGE)
    for number in range(8):
        yield Point(f"disk: content {number}", "clear", [*entered, (b"DATA\r\n", b"354")], large)
    yield Point("disk: end of content", "clear", [*entered, (b"DATA\r\n", b"354")], large + b".\r\nNOOP\r\nMAIL FROM:<>\r\n")
    yield Point("disk: chunk", "clear", entered, b"BDAT %d\r\n%b" % (size, large))
    yield Point("disk: last chunk", "clear", entered, b"BDAT %d LAST\r\n%bNOOP\r\n" % (size, large))
    lmtp = DIALOGUES["lmtp"][1][:5]
    yield Point("disk: lmtp", "lmtp", [*lmtp, (b"DATA\r\n", b"354")], large + b".\r\n")
    mx = DIALOGUES["mx"][1]
    yield Point("dns: client", "mx", mx[:3], b"RCPT TO:<user00@example.test>\r\n")
    yield Point("dns: sender", "mx", mx[:6], HEAD + LARGE + b".\r\n")
    for letter_ in "HMRTLNBE":
        steps = [(b"", b"220")] + ([(b"EHLO hold-%s.test\r\n" % letter_.encode(), b"250 ")] if letter_ != "H" else [])
        rest = b"EHLO hold-H.test\r\n" if letter_ == "H" else b""
        rest += b"AUTH PLAIN {plain}\r\nMAIL FROM:<{user}>\r\nRCPT TO:<user00@example.test>\r\nDATA\r\n" if letter_ != "H" else b""
        if letter_ in "LNBE":
            steps += [(b"AUTH PLAIN {plain}\r\n", b"235"), *entered[3:], (b"DATA\r\n", b"354")]
            rest = HEAD + LARGE * 10 + b".\r\n"
        yield Point(f"milter: {letter_}", "clear", steps, rest)
    yield Point("password: smtp", "clear", entered[:2], b"AUTH PLAIN {wrong}\r\n")
    yield Point("password: pop3", "pop3-clear", [(b"", b"+OK"), (b"USER {user}\r\n", b"+OK")], b"PASS wrong\r\nSTAT\r\n")
    pop3 = DIALOGUES["pop3"][1][:4]
    yield Point("client: pop3", "pop3-clear", pop3, b"RETR 2\r\n" * 40)
    yield Point("client: listing", "pop3-clear", pop3, b"LIST\r\nUIDL\r\n" * 400)


def committing_points():
    """Where the last octets are followed by a commit: what is sent once the disk is held back."""
    for name, (listener, steps) in DIALOGUES.items():
        end = next((number for number, (octets, _) in enumerate(steps) if octets in (b".\r\n", b"BDAT 0 LAST\r\n")), None)
        if end is not None:
            yield Point(f"commit: {name}", listener, steps[:end], late=steps[end][0] + b"NOOP\r\n")
    small = DIALOGUES["submission"][1]
    for number in range(4):
        yield Point(f"commit: small {number}", "submission", small[:11], late=HEAD + LARGE + b".\r\n")
    yield Point("commit: login", "submission", small[:7], late=b"{password64}\r\n")
    yield Point("commit: pop3", "pop3-clear", [*DIALOGUES["pop3"][1][:4], (b"DELE 1\r\n", b"+OK")], late=b"QUIT\r\n")
