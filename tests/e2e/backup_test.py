"""verify, backup and restore, with the server running and down."""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import tempfile
import unittest

from server import SECRET, SOURCE, Server, body_of, letter

ALICE, BOB = "alice@example.test", "bob@example.test"
LARGE = "x" * 70 + "\r\n"


def make_old_files(folder):
    """A data directory as the first schema had it."""
    for name in ("paquebot", "bulk"):
        with contextlib.closing(sqlite3.connect(folder / f"{name}.db")) as db:
            db.executescript((SOURCE / f"src/store/samples/schema-1-{name}.sql").read_bytes().decode())


def make_old_backup(file):
    """What `paquebot backup` made of it then."""
    with tempfile.TemporaryDirectory() as folder:
        make_old_files(pathlib.Path(folder))
        shutil.copy(pathlib.Path(folder, "paquebot.db"), file)
        with contextlib.closing(sqlite3.connect(file)) as db:
            db.execute("ATTACH ? AS large", (str(pathlib.Path(folder, "bulk.db")),))
            db.executescript("""
                CREATE TABLE backup(format INTEGER NOT NULL, made_at INTEGER NOT NULL);
                CREATE TABLE main.bulk(id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, state INTEGER NOT NULL,
                  size INTEGER NOT NULL);
                CREATE TABLE main.chunk(bulk INTEGER NOT NULL, start INTEGER NOT NULL, sum INTEGER NOT NULL,
                  data BLOB NOT NULL, PRIMARY KEY(bulk, start)) WITHOUT ROWID;
                INSERT INTO backup VALUES(1, 1795447430000);
                INSERT INTO main.bulk SELECT id, epoch, state, size FROM large.bulk;
                INSERT INTO main.chunk SELECT bulk, start, sum, data FROM large.chunk;
                PRAGMA main.application_id = 1347502657;""")


class BackupTest(unittest.TestCase):
    def start(self):
        server = Server()
        server.extra_server = {"backup_dirs": [server.folder]}
        self.addCleanup(server.close)
        return server.start()

    def fill(self, server):
        server.send("x@y.test", [ALICE], letter(body="small\r\n"))
        server.send("x@y.test", [ALICE, BOB], letter(body=LARGE * 5000))

    def test_verify_tells_that_all_is_well_and_what_is_not(self):
        server = self.start()
        self.fill(server)
        self.assertEqual(server.json("verify"), {"sound": True, "findings": []})
        self.assertIn("sound", server.must("verify"))
        server.stop()
        self.assertEqual(server.json("verify"), {"sound": True, "findings": []})
        with sqlite3.connect(server.data / "paquebot.db") as db:
            db.execute("UPDATE mailbox SET count = count + 1 WHERE id = 1")
        done = server.cli("verify")
        self.assertEqual(done.returncode, 1)
        self.assertIn("mailbox 1: its count or bytes", done.stdout)
        self.assertIn("->", done.stdout)
        server.start()  # a wrong count keeps nobody from working
        self.assertEqual([f["what"][:9] for f in json.loads(server.cli("verify", "--json").stdout)["findings"]],
                         ["mailbox 1"])

    def test_verify_reads_what_cannot_be_opened(self):
        server = self.start()
        self.fill(server)
        server.stop()
        pages = bytearray((server.data / "paquebot.db").read_bytes())
        pages[3 * 16384:6 * 16384] = os.urandom(3 * 16384)
        (server.data / "paquebot.db").write_bytes(pages)
        done = server.cli("verify")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("restore a backup", done.stdout)

    def test_backup_while_mail_comes_in_and_restore(self):
        server = self.start()
        self.fill(server)
        server.send(ALICE, ["away@nowhere.test"], letter(ALICE, "away@nowhere.test"), login=ALICE)
        before = {login: server.mail(login) for login in (ALICE, BOB)}
        file = server.folder / "one.backup"
        self.assertEqual(server.json("backup", file)["path"], str(file))
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertEqual([p.name for p in server.folder.glob("*.part*")], [])
        done = server.cli("backup", file)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is there already", done.stderr)
        server.send("x@y.test", [ALICE], letter(body="after the backup\r\n"))
        self.assertEqual(len(server.mail(ALICE)), 3)

        self.assertIn("the server runs", server.cli("restore", file).stderr)
        server.stop()
        self.assertIn("is there already", server.cli("restore", file).stderr)
        shutil.rmtree(server.data)
        told = server.must("restore", file)
        self.assertIn("1 recipient that waited then is held", told)
        self.assertEqual(server.json("verify"), {"sound": True, "findings": []})
        server.start()
        self.assertIsNotNone(server.output.wait("event=queue-held", 30))
        self.assertEqual({login: server.mail(login) for login in (ALICE, BOB)}, before)
        [held] = server.queued()
        self.assertEqual(held["recipients"][0]["state"], "held")
        self.assertIn("restore", held["recipients"][0]["reason"])
        self.assertIn("released", server.must("queue", "release", "--all"))
        server.send("x@y.test", [BOB], letter(body=LARGE * 2000))  # and it works on
        self.assertEqual(len(server.mail(BOB)), 2)
        self.assertTrue(server.json("verify")["sound"])
        server.restart()
        self.assertNotIn("queue-held", server.log())

    def test_what_comes_after_a_restore_stays(self):
        """The newest large message was deleted before the backup: what it was must not be taken for what comes after it."""
        server = self.start()
        self.fill(server)
        server.send("x@y.test", [ALICE], letter(body=LARGE * 5000))
        client = server.pop3(ALICE)
        client.dele(3)
        client.quit()
        file = server.folder / "deleted.backup"
        server.must("backup", file)
        server.stop()
        shutil.rmtree(server.data)
        server.must("restore", file)
        server.start()
        server.send("x@y.test", [BOB], letter(body=LARGE * 6000))
        server.wait_upkeep()
        self.assertEqual([len(body_of(m)) for m in server.mail(BOB)], [len(LARGE) * 5000, len(LARGE) * 6000])
        self.assertEqual(server.json("verify"), {"sound": True, "findings": []})

    def test_backup_while_the_server_is_down(self):
        server = self.start()
        self.fill(server)
        before = server.mail(ALICE)
        server.stop()
        file = server.folder / "two.backup"
        server.must("backup", file)
        shutil.rmtree(server.data)
        server.must("restore", file)
        server.start()
        self.assertEqual([body_of(m) for m in server.mail(ALICE)], [body_of(m) for m in before])

    def test_a_backup_of_the_first_schema_is_upgraded_while_it_is_restored(self):
        server = self.start()
        server.stop()
        shutil.rmtree(server.data)
        file = server.folder / "old.backup"
        make_old_backup(file)
        before = file.read_bytes()
        self.assertIn("1 recipient that waited then is held", server.must("restore", file))
        self.assertEqual(file.read_bytes(), before)
        self.assertEqual(server.json("verify"), {"sound": True, "findings": []})
        server.start()
        server.must("account", "passwd", "anna@example.test", password=SECRET)
        [small, large, waits] = server.mail("anna@example.test", SECRET)
        self.assertIn(b"small", body_of(small))
        self.assertGreater(len(large), 70000)
        self.assertIn(b"waits", body_of(waits))
        self.assertEqual([m["recipients"][-1]["state"] for m in server.queued()], ["held"])

    def test_verify_reads_a_directory_of_the_first_schema(self):
        server = self.start()
        server.stop()
        shutil.rmtree(server.data)
        server.data.mkdir(mode=0o700)
        make_old_files(server.data)
        before = (server.data / "paquebot.db").read_bytes()
        self.assertEqual(server.json("verify"), {"sound": True, "findings": []})
        self.assertEqual((server.data / "paquebot.db").read_bytes(), before)

    def test_what_is_no_backup_is_refused(self):
        server = self.start()
        server.stop()
        other = server.folder / "other.backup"
        shutil.copy(server.data / "paquebot.db", other)
        shutil.rmtree(server.data)
        empty = server.folder / "empty.backup"
        empty.touch()
        for file, words in ((other, "is not a backup"), (server.folder / "none", "there is no backup"), (empty, "it is empty"),
                            (pathlib.Path(__file__), "is damaged or no backup")):
            done = server.cli("restore", file)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(words, done.stderr)
        self.assertFalse((server.data / "paquebot.db").exists())

    def test_a_damaged_backup_is_refused(self):
        server = self.start()
        self.fill(server)
        file = server.folder / "three.backup"
        server.must("backup", file)
        server.stop()
        with sqlite3.connect(file) as db:
            db.execute("UPDATE chunk SET data = zeroblob(length(data)) WHERE start > 0")
        shutil.rmtree(server.data)
        done = server.cli("restore", file)
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn("not sound", done.stderr)
        self.assertFalse((server.data / "paquebot.db").exists())

    def test_a_finding_keeps_nobody_from_a_backup(self):
        server = self.start()
        self.fill(server)
        server.stop()
        with sqlite3.connect(server.data / "paquebot.db") as db:
            db.execute("UPDATE mailbox SET count = count + 1 WHERE id = 1")
        server.start()
        file = server.folder / "four.backup"
        done = server.cli("backup", file)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("mailbox 1: its count", done.stdout)
        server.stop()
        shutil.rmtree(server.data)
        self.assertIn("--force", server.cli("restore", file).stderr)
        done = server.cli("restore", "--force", file)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("mailbox 1: its count", done.stdout)
        server.start()
        self.assertEqual(len(server.mail(BOB)), 1)


if __name__ == "__main__":
    unittest.main()
