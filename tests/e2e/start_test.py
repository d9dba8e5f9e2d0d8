"""Start, privileges, log file, reload: what root does for another user, and what must not hold the server up."""

import contextlib
import datetime
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

from server import BINARY, SECRET, Server, letter, wait_until

ALICE = "alice@example.test"
ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")
# What packaging/paquebot.service leaves to the process.
UNIT_RIGHTS = "-all,+net_bind_service,+setuid,+setgid,+chown,+dac_read_search"
CONFIGURATION, SYSTEM = 78, 71


def owner(path):
    return pwd.getpwuid(os.lstat(path).st_uid).pw_name


def certificate(folder, names=("mx.example.test",), days=100, name="server"):
    """A certificate and key of its own in `folder`; gives the settings of [tls]."""
    pair = folder / f"{name}.crt", folder / f"{name}.key"
    alternatives = ",".join(f"DNS:{one}" for one in names)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={names[0]}",
                    "-addext", f"subjectAltName={alternatives}", "-days", str(days), "-out", pair[0], "-keyout", pair[1]],
                   check=True, capture_output=True)
    return {"certificate": pair[0], "key": pair[1]}


class StartCase(unittest.TestCase):
    def server(self, **settings):
        server = Server(**settings)
        self.addCleanup(server.close)
        return server

    @contextlib.contextmanager
    def running(self, server, log, command=()):
        """A server whose log goes to a file. Gives the process, once it is ready."""
        server.write_config()
        process = subprocess.Popen([*command, str(BINARY), "serve", "--config", str(server.config)], env=server.environment(),
                                   stderr=subprocess.PIPE, text=True)
        try:
            def ready():
                if process.poll() is not None:
                    raise AssertionError(f"it ended with {process.returncode}: {process.stderr.read()}")
                return log.exists() and re.search(r"event=ready.* pid=(\d+)", log.read_text())
            server.pid = int(wait_until(ready, "the line ready in the log")[1])
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=60)


@unittest.skipUnless(ROOT, "only root can become another user")
class AsRootTest(StartCase):
    def as_nobody(self, **extra):
        server = self.server(accounts={}, domains=["example.test"], extra_server={"user": "nobody"} | extra)
        server.prepare()
        return server

    def log_folder(self, server):
        folder = server.folder / "logs"
        folder.mkdir()
        os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
        return folder

    def test_the_log_file_is_the_servers_own(self):
        server = self.as_nobody()
        log = self.log_folder(server) / "paquebot.log"
        server.extra_server |= {"log_file": log}
        with self.running(server, log, command=["setpriv", "--bounding-set", UNIT_RIGHTS]):
            self.assertEqual(owner(log), "nobody")
            self.assertEqual(stat.S_IMODE(log.stat().st_mode), 0o640)
            self.assertEqual(owner(server.data), "nobody")
            rotated = log.with_suffix(".old")
            log.rename(rotated)
            server.signal(signal.SIGUSR1)
            wait_until(log.exists, "the log to be opened again")
            # The level is taken, although the folder is nobody's to write any more; and whoever asked is told.
            server.extra_server["log_level"] = "debug"
            server.write_config()
            os.chown(log.parent, 0, 0)
            os.chmod(log.parent, 0o711)
            log.unlink()
            done = server.cli("reload", "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            [warning] = json.loads(done.stdout)["warnings"]
            self.assertIn(f"cannot open the log file {log}", warning)
            self.assertIn("Warning: cannot open the log file", server.must("reload"))

    def test_level_and_form_change_at_a_reload(self):
        server = self.as_nobody()
        log = self.log_folder(server) / "paquebot.log"
        server.extra_server |= {"log_file": log}
        with self.running(server, log):
            server.extra_server |= {"log_level": "debug", "log_format": "json"}
            server.write_config()
            server.must("reload")
            port = int(re.search(r"role=mx address=127.0.0.1:(\d+)", log.read_text())[1])
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.recv(100)
            wait_until(lambda: '"event":"disconnected"' in log.read_text(), "a line of level debug in JSON")

    def test_a_link_in_its_folder_does_not_lead_root_anywhere(self):
        server = self.as_nobody()
        log = self.log_folder(server) / "paquebot.log"
        target = server.folder / "roots"
        target.write_text("kept\n")
        target.chmod(0o600)
        log.symlink_to(target)
        server.extra_server |= {"log_file": log}
        server.write_config()
        done = server.cli("serve")
        self.assertEqual(done.returncode, SYSTEM)
        self.assertIn(str(log), done.stderr)
        self.assertEqual(target.read_text(), "kept\n")
        self.assertIn("log_file", server.cli("check").stderr)

    def test_local_sockets_in_folders_of_the_user_are_opened_by_the_user(self):
        server = self.as_nobody()
        theirs, roots = server.folder / "theirs", server.folder / "roots"
        for folder in (theirs, roots):
            folder.mkdir()
        os.chown(theirs, NOBODY.pw_uid, NOBODY.pw_gid)
        server.listeners = {name: {"role": "lmtp", "address": f"unix:{folder}/lmtp", "socket_mode": 0o600, "tls": "none"}
                            for name, folder in (("theirs", theirs), ("roots", roots))}
        server.start()
        self.assertEqual((owner(theirs / "lmtp"), owner(roots / "lmtp")), ("nobody", "root"))
        server.stop()

    def test_the_data_directory_is_not_given_away_behind_a_link(self):
        home = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        home.chmod(0o755)
        (home / "users").mkdir()
        (home / "roots").mkdir()
        (home / "users/data").symlink_to(home / "roots")
        os.chown(home / "users", NOBODY.pw_uid, NOBODY.pw_gid)
        config = home / "paquebot.toml"
        config.write_text(f'[server]\nhostname = "mx.example.test"\nuser = "nobody"\ndata_dir = "{home}/users/data"\n'
                          '[[listener]]\nrole = "mx"\naddress = "127.0.0.1:0"\n')
        for words in (["serve"], ["domain", "add", "example.test"]):
            done = subprocess.run([BINARY, *words, "--config", config], capture_output=True, text=True, timeout=60, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("users", done.stderr)
            self.assertEqual(owner(home / "roots"), "root")
            self.assertEqual(list((home / "roots").iterdir()), [])

    def test_an_umask_does_not_close_the_data_directory(self):
        server = self.server(accounts={}, extra_server={"user": "nobody"})
        server.write_config()
        subprocess.run(["sh", "-c", f"umask 077; exec {BINARY} domain add example.test"], env=server.environment(), check=True, capture_output=True)
        self.assertEqual((owner(server.data), stat.S_IMODE(server.data.stat().st_mode)), ("nobody", 0o711))
        server.prepared = True
        server.start()
        self.assertEqual(stat.S_IMODE((server.data / "drop").stat().st_mode), 0o1733)


class ReloadTest(StartCase):
    def keeper_of(self, pid):
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if re.search(rf"^PPid:\t{pid}$", (folder / "status").read_text(), re.M):
                    return int(folder.name)
        return None

    def test_a_file_that_is_none_holds_nothing_up(self):
        server = self.server(accounts={ALICE: SECRET})
        server.tls = certificate(server.folder)
        server.start()
        keeper = self.keeper_of(server.pid)
        key = server.tls["key"]
        key.unlink()
        os.mkfifo(key)
        done = server.cli("reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f'can\'t read key = "{key}": it is not a plain file', done.stderr)
        server.signal(signal.SIGHUP)
        self.assertIn("not a plain file", server.output.wait("event=reload-refused.*", 30)[0])
        server.send("x@y.test", [ALICE], letter())
        self.assertEqual(server.stop(), 0)
        self.assertFalse(pathlib.Path(f"/proc/{keeper}").exists(), "the keeper ends with the server")

    def test_a_killed_server_leaves_no_keeper(self):
        server = self.server(accounts={}).start()
        keeper = self.keeper_of(server.pid)
        self.assertIsNotNone(keeper)
        server.stop(kill=True)
        wait_until(lambda: not pathlib.Path(f"/proc/{keeper}").exists(), "the keeper's end")

    def test_closed_standard_descriptors(self):
        server = self.server(accounts={})
        log = server.folder / "paquebot.log"
        server.extra_server = {"log_file": log}
        server.prepare()
        with self.running(server, log, command=["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh"]):
            for number in range(3):
                self.assertEqual(os.readlink(f"/proc/{server.pid}/fd/{number}"), "/dev/null")
            server.must("reload")

    def test_it_says_what_waits_for_a_restart_and_what_is_to_be_looked_at(self):
        server = self.server(accounts={}).start()
        server.tls = certificate(server.folder, names=["other.test"], days=5)
        server.extra_server = {"threads": 3}
        server.write_config()
        told = server.must("reload")
        self.assertIn("take effect at the next start: server.threads.", told)
        self.assertRegex(told, r"Warning: the certificate .*server.crt ends on \S+, in 4 days")
        self.assertIn("is for other.test, not for mx.example.test", told)
        answer = server.json("reload")
        self.assertEqual((answer["restart"], len(answer["warnings"])), (["server.threads"], 2))
        server.output.wait("event=certificate-problem .*ends on", 30)
        self.assertEqual(len(server.json("status")["certificate"]["problems"]), 2)
        self.assertIn("Warning: it ends on", server.must("status"))
        checked = server.cli("check")
        self.assertEqual(checked.returncode, 0)
        self.assertIn("warning: the certificate", checked.stderr)
        server.stop()
        server.start()
        self.assertIsNotNone(server.output.wait("event=certificate-problem .*not for mx.example.test", 30))

    def test_a_renewed_certificate_is_taken_without_being_told(self):
        server = self.server(accounts={})
        server.tls = certificate(server.folder)
        server.start()

        def shown():
            with server.smtp("submissions") as client:
                return client.sock.getpeercert(binary_form=True)

        before = shown()
        good = server.config.read_text()
        server.config.write_text(good + "\n[limits]\nmessage_size = \"1MiB\"\n")  # somebody is at work on it
        fresh = certificate(server.folder, name="fresh")
        os.rename(fresh["certificate"], server.tls["certificate"])  # for a moment they do not fit together
        os.rename(fresh["key"], server.tls["key"])
        self.assertIsNotNone(server.output.wait("event=certificate-renewed", 60))
        self.assertNotEqual(shown(), before)
        with server.smtp() as client:
            self.assertEqual(client.esmtp_features["size"], str(50 << 20), "everything else waits for a reload")


class CheckTest(StartCase):
    def check(self, server):
        done = server.cli("check")
        # Whoever runs the tests as root need not have that user.
        told = [line for line in done.stderr.splitlines() if "there is no user paquebot" not in line]
        return done.returncode, "\n".join(told)

    def wrong(self, server, *words):
        code, text = self.check(server)
        self.assertEqual(code, CONFIGURATION, text)
        for word in words:
            self.assertIn(word, text)

    def test_what_this_machine_can_not_do(self):
        server = self.server(accounts={}, listeners={"mx": {"role": "mx"}})
        server.write_config()
        self.assertEqual(self.check(server), (0, ""))
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            server.listeners["mx"]["address"] = f"127.0.0.1:{port}"
            server.write_config()
            self.wrong(server, f"127.0.0.1:{port}", f"(process {os.getpid()}) has this port")
            done = server.cli("serve")
            self.assertEqual(done.returncode, SYSTEM)
            self.assertIn(f"(process {os.getpid()}) has this port: stop it", done.stderr)
        server.listeners["mx"]["address"] = "127.0.0.1:0"
        server.extra_server = {"user": "no-such-user-here"}
        server.write_config()
        self.wrong(server, "server.user", "adduser")

    def test_a_server_that_runs_is_no_reason(self):
        server = self.server(accounts={}, listeners={"mx": {"role": "mx"}}).start()
        server.listeners["mx"]["address"] = f"127.0.0.1:{server.ports['mx']}"
        server.write_config()
        self.assertEqual(self.check(server), (0, ""))

    def test_json(self):
        server = self.server(accounts={})
        server.config.write_text("[server]\nhostname = 7\n")
        done = server.cli("check", "--json")
        self.assertEqual((done.returncode, done.stderr), (CONFIGURATION, ""))
        report = json.loads(done.stdout)
        self.assertFalse(report["fine"])
        self.assertIn("paquebot.toml:2:", report["errors"][0])


class AuditTest(StartCase):
    def test_offline_orders_are_in_the_log_of_the_next_start(self):
        server = self.server(accounts={ALICE: SECRET})
        server.prepare()
        before = datetime.datetime.now(datetime.UTC).year
        server.must("account", "remove", ALICE, "--yes")
        server.start()
        lines = [line for line in server.log().splitlines() if "event=control" in line]
        self.assertEqual(len(lines), 3, lines)  # a domain, an account, and its end
        self.assertRegex(lines[2], rf"who=\"operator .*\" action=account.remove method=DELETE target=/v1/accounts/alice%40example.test subject={ALICE} "
                                   rf"outcome=done while=down at={before}-")
        server.restart()
        self.assertNotIn("event=control", server.log())


if __name__ == "__main__":
    unittest.main()
