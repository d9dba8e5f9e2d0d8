"""Each command of docs/cluster.md is run somewhere: here what one machine can do, by tests/cluster what takes several (make run-cluster)."""

import re
import subprocess
import sys
import unittest

from postgres import Postgres
from server import SECRET, SOURCE, Server, body_of, letter, transact, wait_until

sys.path.append(str(SOURCE / "tests/cluster"))
import page  # noqa: E402

ALICE = "alice@example.test"
# Where each text that stands apart is used, by its beginning.
HERE, CLUSTER, MACHINE = "by this suite", "by tests/cluster", "on machines that are installed anew, by nobody"
BLOCKS = {
    "sudo -u postgres createuser": HERE,
    "[server]\nstore =": HERE,
    'store = "postgresql://paquebot@db.example.org/mail?sslrootcert=/etc/paquebot/database-ca.pem': HERE,
    "apt install etcd-server": MACHINE,
    "net.ipv4.tcp_keepalive_time": CLUSTER,
    "ETCD_NAME=db1": CLUSTER,
    "scope: paquebot": CLUSTER,
    "systemctl enable --now patroni": CLUSTER,
    "sudo -u postgres psql -c": CLUSTER,
    'store = "postgresql://paquebot@db1,db2,db3/mail': CLUSTER,
    "paquebot node list": CLUSTER,
    "systemctl stop paquebot\npaquebot store copy": HERE,
}
COMMAND = re.compile(r"^(?:paquebot (?!\W)\w+|pg_\w+ -|patronictl|systemctl|make |GRANT )")
WITHIN = {
    "paquebot verify": HERE, "paquebot queue list": HERE, "paquebot queue hold": HERE, "paquebot backup": HERE,
    "pg_dump --format=custom --file=mail.dump mail": HERE, "GRANT pg_monitor TO paquebot": HERE,
    "make run-cluster": CLUSTER, "make faults-cluster": CLUSTER, "make run-cluster TWO=1": CLUSTER,
    "patronictl -c /etc/patroni/config.yml edit-config -s synchronous_mode=false": CLUSTER,
    "patronictl -c /etc/patroni/config.yml edit-config -s synchronous_mode=true": CLUSTER,
    "systemctl start etcd": MACHINE,
}


class ClusterPageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = cls.enterClassContext(Postgres())

    def test_every_command_has_its_place(self):
        unplaced = [text for text in page.blocks() if not any(text.startswith(first) for first in BLOCKS)]
        self.assertEqual(unplaced, [], "new texts in docs/cluster.md: run them, and say here where")
        for first in BLOCKS:
            page.block(first)
        commands = {text for text in page.quoted() if COMMAND.match(text)}
        self.assertEqual(commands - set(WITHIN), set(), "new commands in docs/cluster.md: run them, and say here where")
        self.assertEqual(set(WITHIN) - commands, set(), "these are not in docs/cluster.md any more")

    def as_postgres(self, words, **changes):
        """A command of the page, as the owner of our database's server; `sudo -u postgres` is who we are."""
        words = words[3:] if words[:3] == ["sudo", "-u", "postgres"] else words
        words = [changes.get(word, word) for word in words]
        done = subprocess.run([self.postgres.programs / words[0], *words[1:]], capture_output=True, text=True, cwd=self.postgres.folder,
                              env={"PGHOST": str(self.postgres.folder), "PGPORT": str(self.postgres.port), "PGUSER": "paquebot"},
                              **self.postgres.as_user())
        self.assertEqual(done.returncode, 0, f"{words}: {done.stderr}")

    def server(self, store, **options):
        server = Server(accounts={ALICE: SECRET}, extra_server={"store": store}, **options)
        self.addCleanup(server.close)
        return server

    def here(self, line, user, database):
        """The address that a line `store = …` of the page names, in our server."""
        return page.replaced(page.settings(line)["store"].strip('"'), {
            "/mail?": f"/{database}?", "/var/run/postgresql": f"{self.postgres.folder}&port={self.postgres.port}", "user=paquebot": f"user={user}"})

    def test_a_database_is_made_filled_and_saved(self):
        # The page's names are those of this suite's own user and database: others are made.
        for line in page.block("sudo -u postgres createuser").splitlines():
            self.as_postgres(page.words_of(line), paquebot="keeper", mail="kept", **{"--owner=paquebot": "--owner=keeper"})
        url = self.here(page.block("[server]\nstore ="), "keeper", "kept")
        server = self.server(url)
        server.start()
        with server.smtp() as client:
            transact(client, "x@y.test", [ALICE], letter(body="kept\r\n"))
        server.must("queue", "list")
        self.as_postgres(["psql", "-d", "kept", "-c", next(text for text in page.quoted() if text.startswith("GRANT")).replace("paquebot", "keeper")])
        server.must("store", "status")
        [dump] = [page.words_of(text) for text in page.quoted() if text.startswith("pg_dump --")]
        self.as_postgres(dump, mail="kept", **{"--file=mail.dump": f"--file={self.postgres.folder}/mail.dump"})
        done = server.cli("backup", server.folder / "data/copy")
        self.assertNotEqual(done.returncode, 0, "files only")
        with server.smtp() as client:
            transact(client, "x@y.test", [ALICE], letter(body="lost with the database\r\n"))
        server.stop()
        self.postgres.make("restored", "keeper")
        self.as_postgres(["pg_restore", "--dbname=restored", str(self.postgres.folder / "mail.dump")])
        server.extra_server["store"] = url.replace("/kept?", "/restored?")
        done = server.cli("verify")
        self.assertNotEqual(done.returncode, 2, done.stdout + done.stderr)
        server.start()
        self.assertEqual([body_of(one) for one in server.mail(ALICE)], [b"kept\r\n"])
        self.assertEqual(server.findings(), [])

    def test_held_mail_stays_after_a_restore(self):
        """What was waiting is held by the words that the page says, before the way out is open again."""
        server = self.server(self.postgres.url, routes=[{"to": "far.test", "host": "127.0.0.1:9", "tls": "none"}],
                             listeners={"mx": {"role": "mx", "tls": "none"}, "submission": {"role": "submission", "tls": "starttls"}})
        server.start()
        ident = server.send(ALICE, ["carl@far.test"], letter(sender=ALICE), login=ALICE)
        wait_until(lambda: server.queued()[0]["recipients"][0]["attempts"] > 0, "an attempt in vain")
        server.must("queue", "hold", ident)
        self.assertEqual(server.queued()[0]["recipients"][0]["state"], "held")

    def test_the_address_over_a_network_is_understood(self):
        """Nobody answers there: that is all that is wrong with it."""
        server = self.server(page.replaced(page.settings(page.block('store = "postgresql://paquebot@db.example.org/mail?sslrootcert'))["store"].strip('"'),
                                           {"db.example.org": "127.0.0.1:9"}))
        server.write_config()
        done = server.cli("check")
        self.assertIn("cannot reach the database", done.stdout + done.stderr)

    def test_a_store_is_moved(self):
        stop, copy = page.block("systemctl stop paquebot\npaquebot store copy").splitlines()
        self.assertEqual(stop, "systemctl stop paquebot")
        old = Server(accounts={ALICE: SECRET})
        self.addCleanup(old.close)
        old.start()
        old.stop()
        self.postgres.make("moved")
        words = page.words_of(copy)[1:]
        self.assertEqual(words[2], "/var/lib/paquebot")
        self.assertTrue(words[3].startswith("postgresql://"))
        self.assertIn("copied", old.must(*words[:2], old.data, self.postgres.url_of("moved")))


if __name__ == "__main__":
    unittest.main()
