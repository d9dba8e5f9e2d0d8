"""Words and commands as a new user tries them: advice, questions, what a list says, completion, and what `make install` installs."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from peer import Peer
from server import BINARY, SECRET, Server, free_port_everywhere, letter, transact, wait_until

ROOT = pathlib.Path(os.environ["PAQUEBOT_SOURCE_DIR"])
ALICE, BOB = "alice@example.test", "bob@far.test"
REFUSED, USAGE, CONFIGURATION = 1, 64, 78


# Brings the loopback of a fresh network namespace up (SIOCSIFFLAGS, IFF_UP): iproute2 need not be there.
UP = 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 1))'


def may_mount():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "-n", "true"], capture_output=True, check=False).returncode == 0


class WordsCase(unittest.TestCase):
    def server(self, **settings):
        server = Server(**settings)
        self.addCleanup(server.close)
        return server

    def fails(self, server, code, *words, says):
        done = server.cli(*words)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(says, done.stderr)
        return done


class AdviceTest(WordsCase):
    def test_words_of_other_programs(self):
        server = self.server(accounts={})
        server.write_config()
        for words, says in ((["restart"], "systemctl restart paquebot"), (["stop"], "systemctl stop paquebot"),
                            (["account", "delete", "x@y"], "did you mean: paquebot account remove"),
                            (["queue", "flush"], "did you mean: paquebot queue retry"), (["flush"], "did you mean: paquebot queue retry --all"),
                            (["mailq"], "did you mean: paquebot queue list"), (["domain", "create", "x"], "did you mean: paquebot domain add"),
                            (["send", "--no-verify"], "did you mean --insecure?"), (["fetch", "list", "--username", "x"], "did you mean --user?"),
                            (["account", "remove", "x@y", "--force"], "did you mean --yes?"), (["status", "--jsn"], "did you mean --json?")):
            with self.subTest(words):
                self.fails(server, USAGE, *words, says=says)
        self.assertEqual(server.must("--version"), server.must("version"))
        self.assertEqual(server.must("help", "account", "add"), server.must("account", "add", "--help"))
        self.assertEqual(server.must("help"), server.must("--help"))

    def test_an_account_that_exists_is_told_before_a_password_is_asked_for(self):
        server = self.server(accounts={ALICE: SECRET})
        server.prepare()
        self.fails(server, REFUSED, "account", "add", ALICE, says=f"paquebot account passwd {ALICE}")

    def test_hold_names_the_login(self):
        server = self.server(accounts={ALICE: SECRET})
        server.prepare()
        self.assertIn(f"paquebot account release {ALICE}\n", server.must("account", "hold", ALICE))
        self.assertIn(f"see: paquebot account release {ALICE})", server.must("account", "show", ALICE))

    def test_a_broken_configuration_locks_nobody_out(self):
        server = self.server(accounts={ALICE: SECRET}).start()
        server.config.write_text("[server]\nhostname = 7\n")
        self.fails(server, CONFIGURATION, "status", says="paquebot.toml:2:")
        for words in (["status"], ["account", "list"], ["verify"]):
            done = server.cli(*words, "--data-dir", server.data)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("paquebot check says why", done.stderr)
        server.stop()
        self.assertIn(ALICE, server.cli("account", "list", "--data-dir", server.data).stdout)
        # With one that can be used it goes before what that says.
        other = self.server(accounts={})
        other.write_config()
        self.assertIn(ALICE, other.must("account", "list", "--data-dir", server.data))


class QueueTest(WordsCase):
    def routed(self, port, **settings):
        """A server whose mail to far.test goes to this port, and is tried seldom."""
        server = self.server(accounts={ALICE: SECRET}, queue={"retry_first": "1h", "retry_most": "1h"},
                             routes=[{"name": "far", "to": "far.test", "host": f"127.0.0.1:{port}", "tls": "none"}], **settings)
        return server.start()

    def row(self, server, ident):
        return next((line for line in server.must("queue", "list").splitlines() if line.startswith(ident)), "")

    def test_why_it_waits(self):
        port = free_port_everywhere()
        server = self.routed(port)
        first = server.send(ALICE, [BOB], letter(ALICE, BOB), login=ALICE)
        wait_until(lambda: "refused" in self.row(server, first).lower(), "the destination's failure in the list", pause=0.1)
        # Behind a place that can't be reached: what is wrong with that.
        second = server.send(ALICE, [BOB], letter(ALICE, BOB, subject="two"), login=ALICE)
        wait_until(lambda: "refused" in self.row(server, second).lower(), "the same for the next message", pause=0.1)
        shown = server.must("destinations")
        self.assertRegex(shown, r"route:far +2 +in \S+ \w+ +1 .*refused")
        [place] = server.json("destinations")["destinations"]
        self.assertEqual((place["destination"], place["waiting"]), ("route:far", 2))
        # An order changes nothing of what the peer said.
        with Peer(port=port, replies={"RCPT": "451 4.7.1 come back later"}):
            server.must("queue", "retry", "--all")
            wait_until(lambda: all("come back later" in self.row(server, one) for one in (first, second)), "the peer's reply", pause=0.1)
            server.must("queue", "retry", first)
            self.assertIn("come back later", self.row(server, first))
        server.must("queue", "hold", second)
        self.assertIn("held by", self.row(server, second))

    def test_a_mended_route_wakes_its_mail(self):
        server = self.routed(free_port_everywhere())
        ident = server.send(ALICE, [BOB], letter(ALICE, BOB), login=ALICE)
        wait_until(lambda: "refused" in self.row(server, ident).lower(), "a first attempt", pause=0.1)
        with Peer() as peer:
            server.routes[0]["host"] = f"127.0.0.1:{peer.port}"
            server.write_config()
            server.must("reload")
            wait_until(lambda: peer.messages, "the message at the new host", pause=0.1)
            server.wait_queue_empty()

    def test_cancel_all_asks(self):
        server = self.routed(free_port_everywhere())
        server.send(ALICE, [BOB], letter(ALICE, BOB), login=ALICE)
        wait_until(lambda: server.queued()[0]["recipients"][0]["state"] == "waiting", "it to wait", pause=0.1)
        self.fails(server, REFUSED, "queue", "cancel", "--all", says="--yes")
        self.assertEqual(len(server.queued()), 1)
        self.assertIn("1 recipient cancelled", server.must("queue", "cancel", "--all", "--yes"))
        self.assertEqual(server.queued(), [])


class TraceTest(WordsCase):
    def test_whose_mailbox_and_mixed_states(self):
        with Peer(replies={"RCPT": "550 5.1.1 nobody of that name"}) as peer:
            server = self.server(accounts={ALICE: SECRET}, routes=[{"name": "far", "to": "far.test", "host": f"127.0.0.1:{peer.port}",
                                                                   "tls": "none"}]).start()
            server.must("alias", "add", "info@example.test", ALICE)
            server.must("domain", "add", "other.test", "--alias-of", "example.test")
            ident = server.send(ALICE, ["info@example.test", "alice@other.test", BOB], letter(ALICE, BOB), login=ALICE)
            server.wait_queue_empty()
        trail = server.must("trace", ident)
        self.assertEqual(trail.count(f"in mailbox of {ALICE}\n"), 2, trail)
        row = next(line for line in server.must("trace", BOB).splitlines() if line.startswith(ident))
        self.assertRegex(row, r"2 in mailbox, 1 failed$")

    def test_refused_attempts(self):
        server = self.server(accounts={ALICE: SECRET}, limits={"message_size": "64KiB"}).start()
        self.fails(server, REFUSED, "trace", "nobody@example.test", says="")
        with server.smtp() as client:
            client.mail("eve@far.test")
            client.rcpt("nobody@example.test")
            client.rcpt("Alice@example.test")
            client.data("From: <eve@far.test>\r\n\r\n" + ("x" * 70 + "\r\n") * 1000)
            client.docmd("MAIL FROM:<mallory@far.test> SIZE=999999999")
        shown = server.must("trace", "nobody@example.test")
        self.assertRegex(shown, r"gone after a restart(.|\n)*127\.0\.0\.1 +eve@far\.test +nobody@example\.test +550 5\.1\.1")
        [one] = server.json("trace", ALICE)["refusals"]
        self.assertEqual((one["client"], one["from"], one["to"].lower(), one["reply"][:3]), ("127.0.0.1", "eve@far.test", ALICE, "552"))
        self.assertEqual([one["to"] for one in server.json("trace", "eve@far.test")["refusals"]], ["Alice@example.test", "nobody@example.test"])
        [one] = server.json("trace", "mallory@far.test")["refusals"]
        self.assertEqual((one["to"], one["reply"][:3]), ("", "552"))
        with server.smtp("submission", ALICE) as client:  # what is judged when all of it is there
            client.mail(ALICE)
            client.rcpt("one@far.test")
            client.rcpt("two@far.test")
            self.assertEqual(client.data(letter("boss@else.test", "one@far.test"))[0] // 100, 5)
        for to in ("one@far.test", "two@far.test"):
            [one] = server.json("trace", to)["refusals"]
            self.assertEqual((one["account"], one["from"], one["reply"][0]), (ALICE, ALICE, "5"))
        with server.smtp() as client:  # what was taken is no refusal, whatever came before it in the session
            client.mail("eve@far.test")
            client.rcpt(ALICE)
            client.data("From: <eve@far.test>\r\n\r\n" + ("x" * 70 + "\r\n") * 1000)
            transact(client, "ann@far.test", [ALICE], letter("ann@far.test"))
        found = server.json("trace", "ann@far.test")
        self.assertEqual((len(found["messages"]), found["refusals"]), (1, []))
        server.restart()
        self.assertEqual(server.json("trace", "eve@far.test")["refusals"], [])


class CompletionTest(WordsCase):
    @classmethod
    def setUpClass(cls):
        cls.one = Server(accounts={ALICE: SECRET, "anna@other.test": SECRET}).start()
        cls.addClassCleanup(cls.one.close)
        cls.script = cls.one.folder / "completion"
        cls.script.write_text(cls.one.must("completion", "bash"))

    def complete(self, line):
        """What bash offers behind `line`."""
        words = ["bash", "--norc", "-c", 'source "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _paquebot; printf "%s\\n" "${COMPREPLY[@]}"',
                 "bash", str(self.script), line]
        path = f"{BINARY.parent}:{os.environ['PATH']}"
        done = subprocess.run(words, capture_output=True, text=True, check=True, env=self.one.environment(PATH=path), cwd=self.one.folder)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash(self):
        for line, expected in (
                ("paquebot dest", ["destinations"]), ("paquebot account pas", ["passwd"]), ("paquebot account show al", [ALICE]),
                ("paquebot account show alice@", ["example.test"]), ("paquebot --json account show ", [ALICE, "anna@other.test"]),
                ("paquebot domain dns o", ["other.test"]), ("paquebot domain owner other.test an", ["anna@other.test"]),
                ("paquebot send --tls ", ["auto", "starttls", "implicit", "none"]), ("paquebot send --tls implicit --us", ["--user"]),
                ("paquebot account add --quota 2G --gen", ["--generate"]), ("paquebot account app-password re", ["revoke"]),
                ("paquebot account app-password revoke al", [ALICE]), ("paquebot completion f", ["fish"]),
                ("paquebot backup comp", ["completion"]), ("paquebot --config comp", ["completion"]), ("paquebot nonsense x", [])):
            with self.subTest(line):
                self.assertEqual(self.complete(line), expected)

    def test_nobody_is_told_off_for_a_tab(self):
        done = self.one.cli("completion", "accounts", "--data-dir", "/nonexistent")
        self.assertEqual((done.stdout, done.stderr), ("", ""))


class InstallTest(unittest.TestCase):
    def test_all_of_it_is_where_the_system_looks(self):
        top = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

        def install():
            subprocess.run([ROOT / "tools/install", BINARY], env={**os.environ, "DESTDIR": str(top), "PREFIX": "/opt/mail"}, check=True)

        install()
        program = top / "opt/mail/sbin/paquebot"
        self.assertIn("paquebot", subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout)
        unit = (top / "usr/lib/systemd/system/paquebot.service").read_text()
        self.assertIn("ExecStart=/opt/mail/sbin/paquebot serve\n", unit)
        for path in ("usr/lib/sysusers.d/paquebot.conf", "usr/lib/tmpfiles.d/paquebot.conf", "opt/mail/share/man/man1/paquebot.1",
                     "opt/mail/share/bash-completion/completions/paquebot", "opt/mail/share/zsh/site-functions/_paquebot",
                     "opt/mail/share/fish/vendor_completions.d/paquebot.fish"):
            self.assertTrue((top / path).is_file(), path)
        sample = top / "opt/mail/share/doc/paquebot/examples/paquebot.toml"
        done = subprocess.run([program, "check", "--json", "--config", sample], capture_output=True, text=True, check=False)
        self.assertNotIn("paquebot.toml:", "".join(line for line in done.stdout.splitlines() if "sample" not in line), "the sample is in order")
        self.assertFalse((top / "etc").exists(), "what counts is written by setup, or by hand")
        install()

    @unittest.skipUnless(may_mount(), "needs root and namespaces of its own")
    def test_the_readme_followed_literally(self):
        """Its commands in their order, on a machine of its own whose system folders take what is written; nobody types an answer, and
        the service is what the unit runs. (tests/packages installs the package.)"""
        readme = (ROOT / "README.md").read_text()
        commands = re.search(r"and a domain, here `example.org`.\n\n((?:    .*\n)+)", readme)[1].splitlines()
        self.assertEqual(commands[0], "    make deb && sudo apt install ./build/deb/paquebot_*.deb")
        [setup] = [line.strip().removeprefix("sudo ") for line in commands[1:]]
        top = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        script = f"""set -eu
mkdir {top}/layers
mount -t tmpfs tmpfs {top}/layers
for folder in etc usr var; do
  mkdir -p {top}/layers/$folder/up {top}/layers/$folder/spare
  mount -t overlay overlay -o lowerdir=/$folder,upperdir={top}/layers/$folder/up,workdir={top}/layers/$folder/spare /$folder
done
mount -t tmpfs tmpfs /run
/usr/bin/python3 -c '{UP}'
tools/install {BINARY} >&2
export PAQUEBOT_PASSWORD=a-long-{SECRET}
{setup} --yes --no-wait --address 192.0.2.10 || test $? = 2
run=$(sed -n 's/^ExecStart=//p' /usr/lib/systemd/system/paquebot.service)
paquebot check >&2 || test $? = 2
$run >{top}/log 2>&1 &
trap "kill $!; wait" EXIT
until grep -q event=ready {top}/log; do kill -0 $!; sleep 0.1; done
paquebot status >&2
paquebot domain dns example.org >&2
until paquebot account list --json | grep -Eq '"messages": ?1'; do sleep 0.1; done
{setup} --yes --wait 1s >&2 || test $? = 2
"""
        path = {**os.environ, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        done = subprocess.run(["unshare", "-m", "-n", "sh", "-c", script], cwd=ROOT, env=path, capture_output=True, text=True,
                              timeout=120, check=False)
        log = (top / "log").read_text() if (top / "log").exists() else ""
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + log)
        self.assertIn("A first mail to ann@example.org waits until it runs.", done.stdout)
        for record in ("mx.example.org. IN A 192.0.2.10", "v=spf1 mx -all", "v=DKIM1", "v=DMARC1"):
            self.assertIn(record, done.stdout)
        for port in (25, 587, 465, 110, 995, 143, 993):
            self.assertIn(f":{port}", log)


if __name__ == "__main__":
    unittest.main()
