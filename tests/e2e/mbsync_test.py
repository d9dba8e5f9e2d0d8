"""isync's mbsync, both ways: what it has and what the server has are the same afterwards, also when the server was killed meanwhile."""

import contextlib
import os
import random
import re
import subprocess
import unittest

from imap_test import ALICE, ImapCase
from server import PEERS, SECRET

MESSAGES = 10_000 if os.environ.get("PROGRAMS_ALL") else 600
KILLS = 8


class MbsyncCase(ImapCase):
    def setUp(self):
        self.maildir = self.server.folder / "maildir"
        self.maildir.mkdir(exist_ok=True)
        self.rc = self.server.folder / "mbsyncrc"

    def start(self):
        self.rc.write_text(f"""
FSync no

IMAPStore remote
Host 127.0.0.1
Port {self.server.ports['imap-clear']}
User {ALICE}
Pass "{SECRET}"
SSLType None
AuthMechs LOGIN
Timeout 60

MaildirStore local
Path {self.maildir}/
Inbox {self.maildir}/INBOX
SubFolders Verbatim

Channel all
Far :remote:
Near :local:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
""")
        return subprocess.Popen([str(PEERS / "bin/mbsync"), "-c", str(self.rc), "all"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, env={"HOME": str(self.server.folder), "PATH": "/usr/bin:/bin"})

    def sync(self):
        program = self.start()
        said, _ = program.communicate(timeout=600)
        self.assertEqual(program.returncode, 0, said)
        self.assertNotIn("rror", said)

    def local(self, box):
        return sorted(path for part in ("cur", "new") for path in (self.maildir / box / part).iterdir())


class MbsyncTest(MbsyncCase):
    def test_both_ways(self):
        self.deliver(*(f"n{i}" for i in range(30)))
        client = self.client()
        self.good(client.create("Work/2026"))
        for i in range(200):
            self.good(client.append("Work/2026", r"(\Seen)" if i % 2 else None, None, b"Subject: w%d\r\n\r\nx\r\n" % i))
        self.sync()
        self.assertEqual(len(self.local("INBOX")), 30)
        self.assertEqual(len(self.local("Work/2026")), 200)
        self.assertEqual(sum("S" in path.name.rsplit(",", 1)[-1] for path in self.local("Work/2026")), 100)
        # Here: one is flagged, one deleted, one new, a folder new.
        first, second, *_ = self.local("INBOX")
        first.rename(self.maildir / "INBOX/cur" / (first.name.split(":")[0] + ":2,FS"))
        second.rename(self.maildir / "INBOX/cur" / (second.name.split(":")[0] + ":2,ST"))
        (self.maildir / "INBOX/new/1.1.here").write_bytes(b"Subject: from here\n\nx\n")
        for part in ("cur", "new", "tmp"):
            (self.maildir / "Fresh" / part).mkdir(parents=True)
        (self.maildir / "Fresh/new/1.2.here").write_bytes(b"Subject: fresh\n\nx\n")
        # There: others are flagged and deleted.
        self.good(client.select("Work/2026"))
        self.good(client.store("1:10", "+FLAGS", r"\Flagged"))
        self.good(client.store("11:20", "+FLAGS", r"\Deleted"))
        self.good(client.expunge())
        self.good(client.unselect())
        self.sync()
        self.good(client.select("INBOX"))
        self.assertEqual(len(self.good(client.search(None, "ALL"))[0].split()), 30)
        self.assertEqual(len(self.good(client.search(None, "FLAGGED"))[0].split()), 1)
        self.assertEqual(len(self.good(client.search(None, "SUBJECT", '"from here"'))[0].split()), 1)
        self.assertEqual(len(self.local("INBOX")), 30)
        self.assertEqual(len(self.local("Work/2026")), 190)
        self.assertEqual(sum("F" in path.name.rsplit(",", 1)[-1] for path in self.local("Work/2026")), 10)
        self.good(client.select("Fresh"))
        self.assertEqual(self.good(client.search(None, "ALL")), [b"1"])


class MbsyncKillTest(MbsyncCase):
    """Half of the mail begins here, half there, with flags of its own; kills come after a number of messages drawn by lot."""

    BOXES = ("INBOX", "Archive", "Lists")

    def message(self, side, n, chance):
        return f"Subject: {side}{n}\r\nMessage-ID: <{side}{n}@example.test>\r\n\r\n{'x' * chance.randrange(2000)}\r\n".encode()

    def fill(self, chance):
        raw = self.raw(None)
        self.assertIn("x OK", raw.ask("CREATE Lists")[-1])
        for at in range(0, MESSAGES // 2, 50):
            box = self.BOXES[at // 50 % 3]
            raw.file.write(f"x APPEND {box}".encode())
            for n in range(at, min(at + 50, MESSAGES // 2)):
                message = self.message("there", n, chance)
                flags = " ".join(flag for flag in (r"\Seen", r"\Flagged", r"\Answered") if chance.random() < 0.3)
                raw.file.write(b" (%s) {%d+}\r\n%s" % (flags.encode(), len(message), message))
            raw.file.write(b"\r\n")
            raw.file.flush()
            self.assertIn("x OK", raw.until("x")[-1])
        for box in self.BOXES:
            for part in ("cur", "new", "tmp"):
                (self.maildir / box / part).mkdir(parents=True, exist_ok=True)
        for n in range(MESSAGES // 2):
            flags = "".join(letter for letter in "FRS" if chance.random() < 0.3)
            path = self.maildir / self.BOXES[n % 3] / (f"cur/{n}.1.here:2,{flags}" if flags else f"new/{n}.1.here")
            path.write_bytes(self.message("here", n, chance).replace(b"\r\n", b"\n"))

    def here(self, box):
        found = []
        for path in self.local(box):
            subject = re.search(rb"^Subject: (.*)$", path.read_bytes(), re.MULTILINE)[1].decode()
            letters = path.name.partition(":2,")[2]
            found.append((subject, *(letter in letters for letter in "FRS")))
        return sorted(found)

    def there(self, box):
        raw = self.raw(box)
        said = "\n".join(raw.ask("FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        return sorted((subject, *(flag in flags for flag in (r"\Flagged", r"\Answered", r"\Seen")))
                      for flags, subject in re.findall(r"FLAGS \((.*?)\).*\n+Subject: (.*)", said))

    def change(self, chance):
        """Between two kills: flags and deletions on both sides, of messages that both have."""
        raw = self.raw("Archive")
        uids = raw.ask("UID SEARCH ALL")[0].split()[2:]
        for uid in chance.sample(uids, min(5, len(uids))):
            raw.ask(rf"UID STORE {uid} +FLAGS.SILENT (\Flagged)")
        raw.ask(rf"UID STORE {chance.choice(uids)} +FLAGS.SILENT (\Deleted)")
        raw.ask("EXPUNGE")
        for path in chance.sample(self.local("INBOX"), 5):
            name, _, letters = path.name.partition(":2,")
            path.rename(self.maildir / "INBOX/cur" / (name + ":2," + "".join(sorted({*letters, "R"}))))

    def test_equal_after_kills(self):
        chance = random.Random(28)
        self.fill(chance)
        cut = 0
        for _ in range(KILLS):
            program = self.start()
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(chance.uniform(0.05, MESSAGES / 2500))
            self.server.stop(kill=True)
            program.communicate(timeout=300)
            cut += program.returncode != 0
            self.server.start()
            self.change(chance)
        self.assertGreater(cut, 0, "no kill came while it was at work")
        self.sync()
        self.sync()
        total = 0
        for box in self.BOXES:
            here, there = self.here(box), self.there(box)
            self.assertEqual(here, there, box)
            subjects = [one[0] for one in here]
            self.assertEqual(len(subjects), len(set(subjects)), "none is there twice")
            total += len(subjects)
        self.assertGreaterEqual(total, MESSAGES - KILLS)
        self.assertEqual(self.server.json("verify"), {"sound": True, "findings": []})


if __name__ == "__main__":
    unittest.main()
