"""A PostgreSQL server for a test: its own, in a temporary folder, on a local socket."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from server import free_port_everywhere, wait_until


def programs():
    """The folder of the newest installed version, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


class Postgres:
    def __init__(self):
        self.programs = programs()
        if self.programs is None:
            raise unittest.SkipTest("PostgreSQL is not installed (tools/setup test)")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="paquebot-pg-"))
        self.user = None
        if os.geteuid() == 0:  # it does not run as root
            self.user = pwd.getpwnam("postgres")
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.folder.chmod(0o755)
        self.process, self.more = None, []
        self.port = free_port_everywhere()  # on 127.0.0.1 and 127.0.0.2, beside the local socket

    def __enter__(self):
        self.run("initdb", "-D", self.folder / "data", "-U", "paquebot", "--auth=trust", "--encoding=SQL_ASCII", "--locale=C",
                 "--no-sync")
        self.start()
        self.make("mail")
        return self

    def __exit__(self, *failure):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def as_user(self):
        return {} if self.user is None else {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def run(self, program, *words):
        done = subprocess.run([self.programs / program, *map(str, words)], capture_output=True, text=True, cwd=self.folder,
                              **self.as_user())
        if done.returncode != 0:
            raise AssertionError(f"{program} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-p", str(self.port), "-c",
                 "listen_addresses=127.0.0.1,127.0.0.2", "-c", "fsync=off", "-c", "max_connections=60", *self.more],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                **self.as_user())
        ready = [self.programs / "pg_isready", "-q", "-h", str(self.folder), "-p", str(self.port), "-U", "paquebot", "-d",
                 "postgres"]
        for _ in range(600):
            if subprocess.run(ready).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError("the database server does not start:\n" + (self.folder / "log").read_text(errors="replace"))

    def stop(self, number=signal.SIGQUIT):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None

    def sql(self, text, database="postgres"):
        """What psql answers, without frills."""
        return self.run("psql", "-h", self.folder, "-p", self.port, "-U", "paquebot", "-d", database, "-XAtqc", text)

    def make(self, database, owner="paquebot"):
        self.run("createdb", "-h", self.folder, "-p", self.port, "-U", "paquebot", "--owner", owner, "--encoding=SQL_ASCII",
                 "--locale=C", "--template=template0", database)

    def cut_connections(self):
        """Ends all that work in some database, as `kill` of their processes does."""
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname <> 'postgres'")

    def take_fence_away(self, database):
        """A negative control: a node whose epoch was ended may go on to write, as if nobody had ended it."""
        self.sql("""
            CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO writer SELECT old.*; RETURN NULL; END';
            CREATE TRIGGER stay AFTER DELETE ON writer FOR EACH ROW EXECUTE FUNCTION stay();
            CREATE FUNCTION live() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.ended := 0; RETURN new; END';
            CREATE TRIGGER live BEFORE UPDATE ON node FOR EACH ROW WHEN (new.ended <> 0) EXECUTE FUNCTION live();
        """, database)

    def ask_for_password(self, password):
        """A user "keyed" with a database of that name, who is asked for it when he comes over TCP."""
        self.sql(f"CREATE USER keyed PASSWORD '{password}'")
        self.make("keyed", "keyed")
        rules = self.folder / "data/pg_hba.conf"
        rules.write_text("host all keyed all scram-sha-256\n" + rules.read_text())
        self.sql("SELECT pg_reload_conf()")

    def wait_for_standby(self):
        """From now on a commit is one when the standby has it."""
        self.sql("ALTER SYSTEM SET synchronous_standby_names = 'second'")
        self.sql("SELECT pg_reload_conf()")
        state = "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'second'"
        wait_until(lambda: self.sql(state).strip() == "sync", "the standby to be waited for")

    @property
    def url(self):
        return self.url_of("mail")

    def url_of(self, database):
        return f"postgresql://paquebot@/{database}?host={self.folder}&port={self.port}"


class Standby(Postgres):
    """A copy of a running server, which follows it until it is promoted."""

    def __init__(self, primary):
        super().__init__()
        self.primary, self.more = primary, ["-c", "cluster_name=second"]

    def __enter__(self):
        self.run("pg_basebackup", "-h", self.primary.folder, "-p", self.primary.port, "-U", "paquebot", "-D", self.folder / "data",
                 "-R", "-c", "fast", "--no-sync")
        self.start()
        return self

    def promote(self):
        self.sql("SELECT pg_promote()")
