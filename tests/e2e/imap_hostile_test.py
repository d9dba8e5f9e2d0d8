"""Clients of IMAP that ask for too much: bounded in memory and time, a clear NO or BAD, and others are served meanwhile."""

import random
import unittest

from imap_test import ALICE, BOB, ImapCase
from server import SANITIZED

MOST_MAILBOXES = 1000  # docs/imap.md
FIRST = 6
BOUND = 60 << 20  # octets that a server's resident set may grow by, far above what one session may hold


def hostile_names(chance, count):
    """As they come in a quoted string or a literal: true ones, deep ones, lies in UTF-7, octets that are no text."""
    makers = (
        lambda n: b"plain%d" % n,
        lambda n: b"/".join([b"d%d" % n] * 29),
        lambda n: b"/".join([b"t%d" % n] * 40),                              # too deep
        lambda n: b"x%d" % n + b"y" * chance.randrange(900, 1200),           # too long, or nearly
        lambda n: b"&ZeVnLIqe-%d" % n,
        lambda n: b"&ZeVnLIqe%d" % n,                                        # never ends
        lambda n: b"&AA%d" % n + b"-",                                       # NUL, or nonsense
        lambda n: b"&2D3YLQ-%d" % n,                                         # halves of pairs
        lambda n: b"\xff\xfe%d" % n,
        lambda n: "é%d".encode() % n,
        lambda n: b"a\x01b%d" % n,
        lambda n: b"star*%d" % n,
        lambda n: b"per%%cent%d" % n,
        lambda n: b"quo\\\"te%d" % n,
        lambda n: b"//%d//" % n,
        lambda n: b"../../../etc/%d" % n,
        lambda n: b"<script>alert(%d)</script>" % n,
        lambda n: b"inbox/%d" % n,
        lambda n: b" " * (n % 5) + b"%d " % n,
        lambda n: bytes(chance.randrange(32, 127) for _ in range(chance.randrange(1, 60))).replace(b"\\", b"").replace(b'"', b""),
    )
    return [makers[n % len(makers)](n) for n in range(count)]


class HostileTest(ImapCase):
    def setUp(self):
        self.empty("INBOX", "Archive")

    def growth(self, before):
        if not SANITIZED:
            self.assertLess(self.server.memory("VmRSS") - before, BOUND)

    def others_are_served(self):
        client = self.client(BOB, "INBOX")
        self.good(client.noop())
        client.logout()

    def test_ten_thousand_mailboxes(self):
        names = hostile_names(random.Random(28), 10_000)
        raw = self.raw(None)
        before = self.server.memory("VmRSS")
        kept, answers = [], {"OK": 0, "NO": 0, "BAD": 0}
        for at in range(0, len(names), 100):
            for n, name in enumerate(names[at:at + 100], at):
                quoted = n % 3 and not any(octet < 32 or octet > 126 or octet in b'"\\' for octet in name)
                raw.file.write(b"c%d CREATE " % n + (b'"%s"' % name if quoted else b"{%d+}\r\n%s" % (len(name), name)) + b"\r\n")
            raw.file.flush()
            for n, name in enumerate(names[at:at + 100], at):
                said = raw.until(f"c{n}")[-1].split(" ", 2)
                answers[said[1]] += 1
                if said[1] == "OK":
                    kept.append(name)
                self.assertTrue(said[2].isprintable() and len(said[2]) < 200, said)
        self.assertEqual(sum(answers.values()), len(names))
        self.assertGreater(answers["NO"], 5000, answers)
        self.assertGreater(len(kept), 100, answers)
        self.assertIn("NO [LIMIT]", raw.ask("CREATE onemore")[-1])
        self.others_are_served()
        listed = [line for line in raw.ask('LIST "" *') if line.startswith("* LIST ")]
        self.assertEqual(len(listed), MOST_MAILBOXES)
        status = raw.ask('LIST "" * RETURN (STATUS (MESSAGES UNSEEN UIDNEXT SIZE))')
        self.assertEqual(len([line for line in status if line.startswith("* STATUS ")]), MOST_MAILBOXES)
        for pattern in ("%/%/%", "*" * 200, "%*" * 100, "*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*", "d1/%/%/%/%/%/%/%/%/%/%/*"):
            self.assertIn("x OK", raw.ask(f'LIST "" "{pattern}"')[-1])
        self.growth(before)
        self.server.restart()
        raw = self.raw(None)
        self.assertEqual([line for line in raw.ask('LIST "" *') if line.startswith("* LIST ")], listed)
        self.assertEqual(self.server.json("verify"), {"sound": True, "findings": []})
        # As they were listed, so they are deleted: what a client is told it can say. The lowest levels first.
        for name in sorted((line.split(' "/" ', 1)[1] for line in listed), key=lambda one: -one.count("/")):
            if name.strip('"') not in ("INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"):
                self.assertIn("x OK", raw.ask(f"DELETE {name}")[-1], name)
        self.assertEqual(len([line for line in raw.ask('LIST "" *') if line.startswith("* LIST ")]), FIRST)

    def test_a_million_flags(self):
        self.deliver("one", "two")
        raw = self.raw()
        before = self.server.memory("VmRSS")
        # In one command: it has a bound, and the session goes on, or ends with a BYE.
        flags = " ".join(f"$k{n}" for n in range(1_000_000))
        raw.file.write(f"m STORE 1 +FLAGS ({flags})\r\nn NOOP\r\n".encode())
        try:
            raw.file.flush()
            said = raw.until("m")[-1]
        except (EOFError, OSError) as error:
            said = str(error)
        self.assertRegex(said, r"^m (BAD|NO) |BYE|reset|Broken pipe")
        self.growth(before)
        # Many small ones: so many keywords as a mailbox holds, and then no more.
        raw = self.raw()
        taken = 0
        for n in range(200):
            answer = raw.ask(f"STORE 2 +FLAGS.SILENT ($many{n})")[-1]
            taken += answer.startswith("x OK")
            if not answer.startswith("x OK"):
                self.assertRegex(answer, r"^x NO \[LIMIT\] ")
        self.assertEqual(taken, 47)
        self.assertIn("x NO [LIMIT]", raw.ask("STORE 1 +FLAGS (" + " ".join(f"$o{n}" for n in range(60)) + ")")[-1])
        self.assertEqual(raw.ask("FETCH 1 FLAGS")[0], "* 1 FETCH (FLAGS ())", "all or none")
        self.assertIn("x OK", raw.ask("STORE 1 +FLAGS (" + " ".join(["$many1", r"\Seen"] * 1000) + ")")[-1])
        self.assertEqual(raw.ask("FETCH 1 FLAGS")[0], r"* 1 FETCH (FLAGS (\Seen $many1))")
        self.others_are_served()

    def test_structures_that_explode(self):
        def nested(depth, kind):
            head = b""
            for n in range(depth):
                if kind == "multipart":
                    head += b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
                else:
                    head += b"Content-Type: message/rfc822\r\n\r\nSubject: level %d\r\n" % n
            return head + b"\r\nthe innermost\r\n"

        wide = (b"Content-Type: multipart/mixed; boundary=w\r\n\r\n" +
                b"--w\r\nContent-Type: text/plain; name=\"%s\"\r\n\r\nx\r\n" % (b"n" * 50) * 10_000 + b"--w--\r\n")
        parameters = b"Content-Type: text/plain; " + b"; ".join(b"p%d=\"%s\"" % (n, b"v" * 40) for n in range(5000)) + b"\r\n\r\nx\r\n"
        people = b"To: " + b",\r\n ".join(b"\"P%d\" <p%d@example.test>" % (n, n) for n in range(10_000)) + b"\r\n\r\nx\r\n"
        endless = b"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n" + b"--\r\n" * 50_000
        both = b"Content-Type: multipart/mixed; boundary=s\r\n\r\n" + b"--s\r\nContent-Type: multipart/mixed; boundary=s\r\n\r\n" * 5000
        bombs = [nested(5000, "multipart"), nested(5000, "message"), wide, parameters, people, endless, both]
        client = self.client()
        for bomb in bombs:
            self.good(client.append("Archive", None, None, b"Subject: bomb\r\nMIME-Version: 1.0\r\n" + bomb))
        raw = self.raw("Archive")
        before = self.server.memory("VmRSS")
        for n, bomb in enumerate(bombs, 1):
            for items in ("BODYSTRUCTURE", "BODY", "(ENVELOPE BODYSTRUCTURE PREVIEW)", "BODY.PEEK[1.1.1.1]",
                          "BODY.PEEK[" + ".".join(["1"] * 200) + "]", "BODY.PEEK[9999.MIME]", "BINARY.PEEK[1]"):
                said = raw.ask(f"FETCH {n} {items}")
                self.assertRegex(said[-1], r"^x (OK|NO|BAD) ", (n, items))
                self.assertLess(sum(map(len, said)), 2 * len(bomb) + 2_000_000, (n, items))
            self.others_are_served()
        self.assertIn("x OK", raw.ask("SEARCH TEXT innermost")[-1])
        self.assertIn("x OK", raw.ask("SORT (SUBJECT TO SIZE) UTF-8 ALL")[-1])
        self.growth(before)
        self.assertEqual(self.good(client.select("Archive")), [b"7"])

    def test_numbers_and_sets_beyond_bounds(self):
        self.deliver("one")
        raw = self.raw()
        for text in ("FETCH 4294967296 FLAGS", "FETCH 1:99999999999999999999 FLAGS", "UID FETCH 18446744073709551616 FLAGS",
                     "FETCH 0 FLAGS", "STORE 1 (UNCHANGEDSINCE 99999999999999999999) FLAGS ()", "SEARCH LARGER 18446744073709551616",
                     "FETCH 1 BODY[]<0.18446744073709551616>", "FETCH 1 BODY[99999999999]", "SEARCH MODSEQ 99999999999999999999",
                     "SEARCH YOUNGER 99999999999", "STATUS INBOX (" + "MESSAGES " * 20_000 + ")"):
            self.assertRegex(raw.ask(text)[-1], "^x BAD ", text[:60])
        # A set is what it means, however it is written.
        many = ",".join(["1:*"] * 5000)
        self.assertEqual(len(raw.ask(f"FETCH {many} UID")), 2)
        self.assertEqual(raw.ask("UID FETCH 4294967295 FLAGS")[-1][:4], "x OK")
        self.others_are_served()


if __name__ == "__main__":
    unittest.main()
