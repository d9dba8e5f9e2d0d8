"""Three databases: on each machine etcd and PostgreSQL under Patroni, one of which can be written to, with a synchronous copy."""

import json
import pathlib
import pwd
import secrets
import shutil
import subprocess
import urllib.request

from machines import base
from server import PEERS, wait_until

PROGRAMS = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[4]))
CONFIG = """\
scope: paquebot
name: {name}
restapi: {{listen: "{address}:8008", connect_address: "{address}:8008"}}
etcd3: {{hosts: "{etcd}"}}
bootstrap:
  dcs:
    ttl: 20
    loop_wait: 5
    retry_timeout: 5
    synchronous_mode: true
    synchronous_mode_strict: true
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 120, wal_keep_size: 128MB}}
  initdb: [encoding: UTF8, data-checksums]
  pg_hba:
    - local all all peer
    - hostssl replication replicator 10.77.0.0/24 scram-sha-256
    - hostssl all all 10.77.0.0/24 scram-sha-256
postgresql:
  listen: "{address}:5432"
  connect_address: "{full_name}:5432"
  data_dir: "{folder}/data"
  bin_dir: "{programs}"
  pgpass: "{folder}/pgpass"
  authentication:
    superuser: {{username: postgres, password: "{secret}", sslmode: verify-full, sslrootcert: "{authority}"}}
    replication: {{username: replicator, password: "{secret}", sslmode: verify-full, sslrootcert: "{authority}"}}
  parameters:
    unix_socket_directories: "{folder}"
    ssl: "on"
    ssl_cert_file: "{folder}/server.pem"
    ssl_key_file: "{folder}/server.key"
    shared_buffers: 64MB
    wal_receiver_timeout: 10s
    wal_sender_timeout: 10s
    tcp_user_timeout: 10s
"""


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Databases:
    """On the machines that are given, an odd number. `url` is what [server] store is to say."""

    def __init__(self, machines):
        self.machines, self.secret = list(machines), secrets.token_hex(16)
        self.user = pwd.getpwnam("postgres")
        self.peers = base() / "peers"  # where the user of the databases can read it, wherever the source is
        self.peers.mkdir()
        subprocess.run(["mount", "--bind", (PEERS / "root").resolve(), self.peers], check=True)
        self.authority = base() / "authority.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=authority of the databases", "-keyout", base() / "authority.key", "-out", self.authority)
        for machine in self.machines:
            self.certify(machine)
        self.etcd = ",".join(f"{machine.address}:2379" for machine in self.machines)
        self.password_file = base() / "database-password"
        self.url = ("postgresql://paquebot@" + ",".join(machine.full_name for machine in self.machines) +
                    f"/mail?sslrootcert={self.authority}&passfile={self.password_file}")

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
        for machine in self.machines:
            self.start_etcd(machine, "new")
        for machine in self.machines:
            self.start_patroni(machine)
        wait_until(self.whole, lambda: f"Patroni to have all databases: {self.members()}", 40, 0.5)
        self.sql("CREATE ROLE paquebot LOGIN PASSWORD '" + self.secret + "'")
        self.sql("CREATE DATABASE mail OWNER paquebot ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
        self.password_file.write_text(f"*:*:mail:paquebot:{self.secret}\n")
        self.password_file.chmod(0o600)

    def start_etcd(self, machine, state):
        peers = ",".join(f"{one.name}=http://{one.address}:2380" for one in self.machines)
        here = f"http://{machine.address}"
        machine.run([self.peers / "usr/bin/etcd", "--name", machine.name, "--data-dir", machine.folder / "etcd", "--listen-peer-urls", f"{here}:2380",
                     "--initial-advertise-peer-urls", f"{here}:2380", "--listen-client-urls", f"{here}:2379", "--advertise-client-urls",
                     f"{here}:2379", "--initial-cluster", peers, "--initial-cluster-state", state, "--logger", "zap"],
                    user="postgres", log=machine.folder / "etcd.log")

    def start_patroni(self, machine):
        config = machine.folder / "patroni.yml"
        config.write_text(CONFIG.format(name=machine.name, address=machine.address, full_name=machine.full_name, folder=machine.folder, etcd=self.etcd,
                                        programs=PROGRAMS[-1], secret=self.secret, authority=self.authority))
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
