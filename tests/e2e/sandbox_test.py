"""What the server gives up after its start, and that all it does goes on without."""

import pathlib
import re
import signal
import subprocess
import unittest

from server import BINARY, SANITIZED, Server, letter, wait_until

ALICE = "alice@example.test"
LANDLOCK = re.compile(r"landlock=abi\d+")


def status_of(task):
    return dict(line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line)


def children_of(pid):
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if int(status_of(folder)["PPid"]) == pid:
                found.append(int(folder.name))
        except (OSError, KeyError):
            continue
    return found


class SandboxTest(unittest.TestCase):
    def start(self, **settings):
        server = Server(**settings)
        self.addCleanup(server.close)
        return server.start()

    def told(self, server):
        return next(line for line in server.output.text().splitlines() if "event=sandbox" in line)

    @unittest.skipIf(SANITIZED, "a sanitizer needs what the sandbox takes")
    def test_every_thread_and_the_keeper_are_confined_and_the_log_says_so(self):
        server = self.start()
        line = self.told(server)
        self.assertIn("event=sandboxed no_new_privileges=yes landlock=", line)
        if "seccomp=unavailable" in line:
            self.skipTest("the kernel takes no filter")
        self.assertRegex(line, r'seccomp="\d+ calls refused"')
        children = children_of(server.pid)
        self.assertEqual(len(children), 1)  # the keeper, and nothing else
        tasks = list(pathlib.Path(f"/proc/{server.pid}/task").iterdir())
        self.assertGreater(len(tasks), 3)
        for task in [*tasks, pathlib.Path(f"/proc/{children[0]}")]:
            status = status_of(task)
            self.assertEqual((status["NoNewPrivs"].strip(), status["Seccomp"].strip()), ("1", "2"), task)

    def test_sandbox_false_gives_up_nothing(self):
        server = self.start(extra_server={"sandbox": False})
        self.assertIn("event=sandbox-off", self.told(server))
        status = status_of(pathlib.Path(f"/proc/{server.pid}"))
        self.assertEqual(status["Seccomp"].strip(), "0")
        server.must("backup", server.folder / "anywhere.backup")

    def test_mail_comes_in_by_tls_and_is_fetched(self):
        server = self.start()
        server.send(ALICE, [ALICE], letter(ALICE, ALICE), login=ALICE)
        self.assertEqual(len(server.mail(ALICE)), 1)

    def test_a_reload_reads_files_that_the_server_itself_cannot(self):
        server = self.start()
        for name in ("crt", "key"):
            (server.folder / name).write_bytes((server.data / f"self-signed.{name}").read_bytes())
        server.tls = {"certificate": server.folder / "crt", "key": server.folder / "key"}
        server.limits = {"message_size": "70000"}
        server.write_config()
        server.must("reload")
        with server.smtp("mx") as client:
            self.assertEqual(client.esmtp_features["size"], "70000")
        server.config.write_text("[server]\nnonsense = 1\n")
        self.assertIn("nonsense", server.cli("reload").stderr)

    @unittest.skipIf(SANITIZED, "a sanitizer needs what the sandbox takes")
    def test_a_backup_goes_where_the_configuration_allows(self):
        server = Server()
        self.addCleanup(server.close)
        allowed = server.folder / "allowed"
        allowed.mkdir()
        server.extra_server = {"backup_dirs": [allowed, server.folder / "not-there"]}
        server.start()
        server.must("backup", allowed / "one.backup")
        server.must("backup", server.data / "two.backup")
        if LANDLOCK.search(self.told(server)):
            refused = server.cli("backup", server.folder / "three.backup")
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("server.backup_dirs", refused.stderr)

    def test_the_log_is_opened_again(self):
        server = Server()
        self.addCleanup(server.close)
        log = server.folder / "logs" / "paquebot.log"
        log.parent.mkdir()
        server.extra_server = {"log_file": log}
        server.prepare()
        with subprocess.Popen([str(BINARY), "serve", "--config", str(server.config)], env=server.environment()) as process:
            try:
                wait_until(lambda: log.exists() and "event=ready" in log.read_text(), "the line ready in the log")
                old = log.with_suffix(".old")
                log.rename(old)
                process.send_signal(signal.SIGUSR1)
                wait_until(log.exists, "the log to be opened again")
                server.must("reload")
                wait_until(lambda: "event=reloaded" in log.read_text(), "a line in the new log")
                self.assertIn("event=sandboxed", old.read_text())
            finally:
                process.terminate()
        self.assertEqual(process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
