"""Three databases: on each machine etcd and PostgreSQL under Patroni, one of which can be written to, with a synchronous copy."""

import json
import pathlib
import pwd
import secrets
import shutil
import subprocess
import urllib.request

import yaml

import page
from machines import base
from server import PEERS, wait_until

# What docs/cluster.md tells to write is what is written here, with other names and addresses.
HOSTS, FIRST = "10.0.0.11:2379,10.0.0.12:2379,10.0.0.13:2379", "10.0.0.11"
PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[4]))

def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Databases:
    """On the machines that are given. `witness`: one more that has a member of etcd alone, since those must be an odd number. `url` is what
    [server] store is to say."""

    def __init__(self, machines, witness=None):
        self.machines, self.secret = list(machines), secrets.token_hex(16)
        self.members_of_etcd = [*self.machines, *([witness] if witness else [])]
        self.user = pwd.getpwnam("postgres")
        self.peers = base() / "peers"  # where the user of the databases can read it, wherever the source is
        self.peers.mkdir()
        subprocess.run(["mount", "--bind", (PEERS / "root").resolve(), self.peers], check=True)
        self.authority = base() / "authority.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=authority of the databases", "-keyout", base() / "authority.key", "-out", self.authority)
        for machine in self.members_of_etcd:
            self.certify(machine)
        self.etcd = ",".join(f"{machine.address}:2379" for machine in self.members_of_etcd)
        self.password_file = base() / "database-password"
        self.url = page.replaced(page.settings(page.block('store = "postgresql://paquebot@db1,'))["store"].strip('"'), {
            "@db1,db2,db3/": "@" + ",".join(machine.full_name for machine in self.machines) + "/", "/etc/paquebot/authority.pem": self.authority,
            "/etc/paquebot/database-password": self.password_file})

    def certify(self, machine):
        key, request, certificate = (machine.folder / f"server.{part}" for part in ("key", "csr", "pem"))
        extensions = machine.folder / "server.ext"
        extensions.write_text(f"subjectAltName=DNS:{machine.full_name},IP:{machine.address}\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={machine.full_name}",
                "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.authority, "-CAkey", base() / "authority.key", "-CAcreateserial", "-days", "2",
                "-extfile", extensions, "-out", certificate)
        key.chmod(0o600)
        for path in (machine.folder, key, certificate):
            shutil.chown(path, self.user.pw_uid, self.user.pw_gid)

    def start(self):
        for machine in self.members_of_etcd:
            self.start_etcd(machine, "new")
        for machine in self.machines:
            self.start_patroni(machine)
        wait_until(self.whole, lambda: f"Patroni to have all databases: {self.members()}", 120, 0.5)
        self.sql(page.replaced(page.sql("CREATE ROLE"), {"A THIRD": self.secret}))
        self.sql(page.sql("CREATE DATABASE"))
        self.sql("GRANT pg_monitor TO paquebot")
        self.password_file.write_text(f"*:*:mail:paquebot:{self.secret}\n")
        self.password_file.chmod(0o600)

    def start_etcd(self, machine, state):
        text = page.replaced(page.block("ETCD_NAME=db1"), {
            "db1=http://10.0.0.11:2380,db2=http://10.0.0.12:2380,db3=http://10.0.0.13:2380":
                ",".join(f"{one.name}=http://{one.address}:2380" for one in self.members_of_etcd),
            "ETCD_NAME=db1": f"ETCD_NAME={machine.name}", FIRST: machine.address, "STATE=new": f"STATE={state}"})
        machine.run([self.peers / "usr/bin/etcd"], user="postgres", log=machine.folder / "etcd.log",
                    environment=page.settings(text) | {"ETCD_DATA_DIR": str(machine.folder / "etcd"), "ETCD_LOGGER": "zap"})

    def start_patroni(self, machine):
        config = machine.folder / "patroni.yml"
        text = page.replaced(page.block("scope: paquebot"), {
            HOSTS: self.etcd, "name: db1": f"name: {machine.name}", "db1:5432": f"{machine.full_name}:5432", FIRST: machine.address,
            "10.0.0.0/24": "10.77.0.0/24", "/var/lib/postgresql/15/paquebot": machine.folder / "data", "/usr/lib/postgresql/15/bin": PROGRAMS[-1],
            "/etc/patroni/authority.pem": self.authority, "/etc/patroni/server.": f"{machine.folder}/server.",
            "/var/run/postgresql": machine.folder, "ONE SECRET": self.secret, "ANOTHER": self.secret})
        told = yaml.safe_load(text)
        told["postgresql"]["pgpass"] = f"{machine.folder}/pgpass"  # several are on this machine, and it is small
        told["postgresql"]["parameters"]["shared_buffers"] = "64MB"
        told["bootstrap"]["dcs"]["postgresql"]["parameters"]["wal_keep_size"] = "128MB"
        config.write_text(json.dumps(told, indent=1))
        shutil.chown(config, self.user.pw_uid, self.user.pw_gid)
        config.chmod(0o600)
        machine.run(["/usr/bin/python3", self.peers / "usr/bin/patroni", config], user="postgres", log=machine.folder / "patroni.log",
                    environment={"PYTHONPATH": str(self.peers / "usr/lib/python3/dist-packages")})

    def revive(self, machine):
        """After kill()."""
        self.start_etcd(machine, "existing")
        self.start_patroni(machine)

    # --- what Patroni says ---------------------------------------------------------------------

    def members(self):
        """{name: its row of Patroni's table}, as any that answers tells; {} when none does."""
        for machine in self.machines:
            try:
                with urllib.request.urlopen(f"http://{machine.address}:8008/cluster", timeout=2) as answer:
                    return {member["name"]: member for member in json.load(answer)["members"]}
            except OSError:
                continue
        return {}

    def leader(self):
        """The machine whose database can be written to, or None. It says so itself: others may tell of one that has gone."""
        for machine in self.machines:
            try:
                with urllib.request.urlopen(f"http://{machine.address}:8008/primary", timeout=2) as answer:
                    if answer.status == 200:
                        return machine
            except OSError:
                continue
        return None

    def standbys(self):
        """The machines with a synchronous copy."""
        members = self.members()
        return [machine for machine in self.machines if members.get(machine.name, {}).get("role") == "sync_standby"]

    def whole(self):
        """Whether one leads, one follows it synchronously, and all others have caught up."""
        members, leader = self.members(), self.leader()
        if leader is None or len(members) != len(self.machines) or not self.standbys():
            return False
        most = 1 << 20  # octets that a copy may be behind
        return all(member["state"] in ("running", "streaming") and int(member.get("lag") or 0) < most for member in members.values())

    def order(self, *words):
        """patronictl, with the configuration of the first machine; gives what it says."""
        program = self.peers / "usr/bin/patronictl"
        done = subprocess.run(["/usr/bin/python3", program, "-c", self.machines[0].folder / "patroni.yml", *words], capture_output=True, text=True,
                              check=False, timeout=60,
                              env={"PYTHONPATH": str(self.peers / "usr/lib/python3/dist-packages"), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})
        if done.returncode != 0:
            raise RuntimeError(f"patronictl {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def sql(self, statement, database="postgres"):
        """As the superuser, where it can be written; gives the rows as text."""
        leader = self.leader()
        if leader is None:
            raise RuntimeError("no database can be written to")
        words = [PROGRAMS[-1] / "psql", "-h", leader.full_name, "-U", "postgres", "-d", database, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement]
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=30,
                              env={"PGPASSWORD": self.secret, "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(self.authority)})
        if done.returncode != 0:
            raise RuntimeError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()
