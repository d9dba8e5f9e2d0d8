"""Several devices at one account: POP3 beside IMAP, and clients that come back after a restore with what they knew before."""

import contextlib
import re
import shutil
import unittest

from imap_test import ALICE, BOB, ImapCase
from server import letter, transact


def subject_of(message):
    return re.search(rb"^Subject: (.*?)\r$", message, re.MULTILINE)[1].decode()


class Device:
    """What a client with QRESYNC keeps of a mailbox between two visits: subject and flags by uid."""

    def __init__(self):
        self.mailboxid = self.uidvalidity = None
        self.modseq = 0
        self.known = {}
        self.fetched = 0  # messages read at the last visit

    def visit(self, raw, box):
        raw.ask("ENABLE QRESYNC")
        since = f" (QRESYNC ({self.uidvalidity} {self.modseq}))" if self.uidvalidity else ""
        said = raw.ask(f"SELECT {box}{since}")
        uidvalidity, self.modseq, mailboxid = (next(re.search(rf"\[{word} \(?([^)\]]+)", line)[1] for line in said if word in line)
                                               for word in ("UIDVALIDITY", "HIGHESTMODSEQ", "MAILBOXID"))
        if uidvalidity != self.uidvalidity:
            self.known = {}
        self.uidvalidity, self.mailboxid = uidvalidity, mailboxid
        for line in said:
            if line.startswith("* VANISHED (EARLIER) "):
                for first, last in re.findall(r"(\d+)(?::(\d+))?", line.split()[-1]):
                    for uid in range(int(first), int(last or first) + 1):
                        self.known.pop(uid, None)
        wanted = {int(uid) for line in said for uid in re.findall(r"^\* \d+ FETCH \(UID (\d+)", line)}
        there = self.uids(raw)
        self.fetched = 0
        for uid in sorted(there):
            if uid not in self.known or uid in wanted:
                self.known[uid] = self.fetch(raw, uid)
                self.fetched += 1

    @staticmethod
    def uids(raw):
        return {int(uid) for uid in raw.ask("UID SEARCH ALL")[0].split()[2:]}

    @staticmethod
    def fetch(raw, uid):
        said = "\n".join(raw.ask(f"UID FETCH {uid} (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        return re.search(r"Subject: (.*)", said)[1], tuple(sorted(re.search(r"FLAGS \((.*?)\)", said)[1].split()))

    def whole(self, raw):
        """What it would know if it read all of the mailbox that is selected now."""
        return {uid: self.fetch(raw, uid) for uid in self.uids(raw)}


class BesidePop3Test(ImapCase):
    def setUp(self):
        self.empty("INBOX", "Trash")
        self.deliver(*(f"n{i}" for i in range(6)))

    def left(self):
        return [subject_of(message) for message in self.server.mail(ALICE)]

    def test_what_imap_deletes_shifts_no_number_of_pop3(self):
        with contextlib.closing(self.server.pop3(ALICE)) as pop3:
            kept = {number: pop3.uidl(number) for number in range(1, 7)}
            raw = self.raw()
            self.assertIn("x OK", raw.ask(r"STORE 2:3 +FLAGS.SILENT (\Deleted)")[-1])
            self.assertIn("x OK", raw.ask("EXPUNGE")[-1])
            self.assertEqual({number: pop3.uidl(number) for number in range(1, 7)}, kept)
            self.assertEqual(subject_of(b"\r\n".join(pop3.retr(5)[1]) + b"\r\n"), "n4")
            pop3.dele(2)  # is gone already
            pop3.dele(4)  # n3, which IMAP numbers 2 now
            self.assertEqual(raw.ask("FETCH 1 FLAGS")[-1].split()[1], "OK")
            pop3.quit()
        self.assertEqual(self.left(), ["n0", "n4", "n5"])
        self.assertIn("* 2 EXPUNGE", raw.ask("NOOP"))

    def test_what_pop3_deletes_shifts_no_number_within_a_command_of_imap(self):
        raw = self.raw()
        uids = raw.ask("UID SEARCH ALL")[0].split()[2:]
        with contextlib.closing(self.server.pop3(ALICE)) as pop3:
            pop3.dele(1)
            pop3.dele(3)
            self.assertEqual(raw.ask("NOOP")[:-1], [], "nothing is deleted before QUIT")
            pop3.quit()
        # By number: the numbers of before still count, and what has gone is said to have gone.
        said = raw.ask("FETCH 1:6 (UID FLAGS)")
        self.assertIn("x OK [EXPUNGEISSUED]", said[-1], said)
        self.assertEqual([re.search(r"\* (\d+) FETCH \(UID (\d+)", line).groups() for line in said if " FETCH " in line],
                         [(str(n + 1), uids[n]) for n in (1, 3, 4, 5)])
        self.assertIn("x NO [EXPUNGEISSUED]", raw.ask("FETCH 1:3 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[-1])
        self.assertEqual(raw.ask(r"STORE 2 +FLAGS (\Flagged)")[-1].split()[1], "OK")
        self.assertEqual([line for line in raw.ask("NOOP") if "EXPUNGE" in line], ["* 3 EXPUNGE", "* 1 EXPUNGE"])
        self.assertEqual(raw.ask("UID SEARCH FLAGGED")[0].split()[2:], [uids[1]])

    def test_moved_away_and_moved_back_is_another_message(self):
        with contextlib.closing(self.server.pop3(ALICE)) as pop3:
            before = pop3.uidl(1).split()[-1]
            raw = self.raw()
            self.assertIn("x OK", raw.ask("MOVE 1 Trash")[-1])
            self.assertIn("x OK", raw.ask("SELECT Trash")[-1])
            self.assertIn("x OK", raw.ask("MOVE 1 INBOX")[-1])
            pop3.dele(1)
            pop3.quit()
        self.assertEqual(self.left(), ["n1", "n2", "n3", "n4", "n5", "n0"], "what POP3 saw was no more in INBOX")
        with contextlib.closing(self.server.pop3(ALICE)) as pop3:
            self.assertNotEqual(pop3.uidl(6).split()[-1], before)

    def test_two_devices_and_a_collector_at_random(self):
        """The same commands on POP3 and IMAP in turn: what each acknowledged is what is there."""
        raw = self.raw()
        gone = set()
        for turn in range(6):
            number = 1 + turn % 2
            if turn % 3 == 2:
                with contextlib.closing(self.server.pop3(ALICE)) as pop3:
                    gone.add(subject_of(b"\r\n".join(pop3.retr(number)[1]) + b"\r\n"))
                    pop3.dele(number)
                    pop3.quit()
            else:
                raw.ask("NOOP")
                gone.add(re.search("Subject: (.*)", "\n".join(raw.ask(f"FETCH {number} BODY.PEEK[HEADER]")))[1])
                raw.ask(rf"STORE {number} +FLAGS.SILENT (\Deleted)")
                raw.ask("EXPUNGE")
            self.deliver(f"m{turn}")
        all_of_them = {f"n{i}" for i in range(6)} | {f"m{i}" for i in range(6)}
        self.assertEqual(len(gone), 6)
        self.assertEqual(set(self.left()), all_of_them - gone)


class RestoreTest(ImapCase):
    """The store goes back to a backup; devices have seen what came after it."""

    def setUp(self):
        type(self).server.extra_server = {"backup_dirs": [self.server.folder]}
        self.server.stop()
        self.server.start()
        self.file = self.server.folder / f"{self._testMethodName}.backup"

    def back(self):
        self.server.stop()
        shutil.rmtree(self.server.data)
        self.server.must("restore", self.file)
        self.server.start()

    def test_devices_after_a_restore(self):
        self.deliver(*(f"n{i}" for i in range(8)))
        raw = self.raw()
        raw.ask(r"STORE 2 +FLAGS (\Flagged $Work)")
        raw.ask(r"STORE 8 +FLAGS (\Deleted)")
        raw.ask("EXPUNGE")
        early = Device()
        early.visit(self.raw(None), "INBOX")
        self.assertEqual(len(early.known), 7)
        self.server.must("backup", self.file)
        # What the backup does not know of: mail, flags and deletions that devices see.
        self.deliver("lost0", "lost1")
        raw = self.raw()
        raw.ask(r"STORE 1 +FLAGS (\Answered)")
        raw.ask(r"STORE 3 +FLAGS (\Deleted)")
        raw.ask("EXPUNGE")
        late = Device()
        late.visit(self.raw(None), "INBOX")
        self.assertEqual({subject for subject, _ in late.known.values()}, {"n0", "n1", "n3", "n4", "n5", "n6", "lost0", "lost1"})
        self.back()
        # Uids are given again to other mail: a device that took them for what it knows would show wrong mail.
        self.deliver("new0", "new1", "new2")
        for device in (early, late):
            was = device.uidvalidity, device.mailboxid, int(device.modseq)
            raw = self.raw(None)
            device.visit(raw, "INBOX")
            self.assertEqual(device.known, device.whole(raw))
            self.assertGreater(int(device.uidvalidity), int(was[0]), "else uids would mean other mail")
            self.assertEqual(device.mailboxid, was[1], "it is the same mailbox")
            self.assertEqual(device.fetched, 10)
        self.assertEqual(sorted(subject for subject, _ in late.known.values()),
                         ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "new0", "new1", "new2"])
        self.assertEqual(next(flags for subject, flags in late.known.values() if subject == "n1"), ("$Work", r"\Flagged"))
        # And from there on they go on by what changes.
        raw = self.raw()
        raw.ask(r"STORE 1 +FLAGS.SILENT (\Seen)")
        raw.ask(r"STORE 4 +FLAGS.SILENT (\Deleted)")
        raw.ask("EXPUNGE")
        for device in (early, late):
            raw = self.raw(None)
            device.visit(raw, "INBOX")
            self.assertEqual(device.known, device.whole(raw))
            self.assertEqual(device.fetched, 1)
        self.assertEqual(early.known, late.known)

    def test_every_folder_has_another_uidvalidity_and_the_same_id(self):
        raw = self.raw(None, BOB)
        self.assertIn("x OK", raw.ask("CREATE Work/2026")[-1])
        self.server.must("backup", self.file)

        def folders():
            raw = self.raw(None, BOB)
            said = raw.ask('LIST "" * RETURN (SUBSCRIBED SPECIAL-USE STATUS (UIDVALIDITY MAILBOXID))')
            listed = [line for line in said if line.startswith("* LIST")]
            status = dict(re.match(r'\* STATUS (\S+) \((.*)\)', line).groups() for line in said if line.startswith("* STATUS"))
            return listed, {name: (int(re.search(r"UIDVALIDITY (\d+)", told)[1]), re.search(r"MAILBOXID \((\S+)\)", told)[1])
                            for name, told in status.items()}
        listed, before = folders()
        raw.ask("CREATE Lost")
        lost = folders()[1]
        self.back()
        self.assertEqual(folders()[0], listed)
        after = folders()[1]
        self.assertEqual(after.keys(), before.keys())
        for name, (_, mailboxid) in before.items():
            self.assertEqual(after[name][1], mailboxid)
            self.assertGreater(after[name][0], max(one[0] for one in lost.values()), name)
        self.assertIn("x OK", self.raw(None, BOB).ask("CREATE Lost")[-1])
        used = {one[0] for one in [*lost.values(), *after.values()]}
        self.assertNotIn(max(one[0] for one in folders()[1].values()), used)


if __name__ == "__main__":
    unittest.main()
