"""Postfix as a peer in tests: an instance of its own, unpacked by tools/peers, never the machine's.

    with Postfix(peers, tmp, domains=["peer.example"]) as peer:      # takes mail and keeps it
        ... deliver to peer.address, peer.port ...
        [message] = peer.wait_for("ann@peer.example", 1)
    with Postfix(peers, tmp, relay_to=("127.0.0.1", 2525)) as peer:  # passes everything on
        ...
    smtp_source(peers, "127.0.0.1:2525", "-m", "100", "-t", "ann@example.org")
    with Sink(peers, "-c") as sink: ...

It needs to be root (or sudo without a password): Postfix gives each daemon its own rights. Only
addresses of the loopback are used and no name is looked up. `peers` is the folder build/peers.
"""

import grp
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import time

READY_SECONDS = 30

MASTER_CF = """\
{listen} inet n - n - {processes} smtpd
pickup   unix n - n 60 1 pickup
cleanup  unix n - n - 0 cleanup
qmgr     unix n - n 300 1 qmgr
tlsmgr   unix - - n 1000? 1 tlsmgr
rewrite  unix - - n - - trivial-rewrite
bounce   unix - - n - 0 bounce
defer    unix - - n - 0 bounce
trace    unix - - n - 0 bounce
verify   unix - - n - 1 verify
flush    unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp     unix - - n - - smtp
relay    unix - - n - - smtp
lmtp     unix - - n - - lmtp
showq    unix n - n - - showq
error    unix - - n - - error
retry    unix - - n - - error
discard  unix - - n - - discard
virtual  unix - n n - - virtual
anvil    unix - - n - 1 anvil
scache   unix - - n - 1 scache
postlog  unix-dgram n - n - 1 postlogd
"""

QUEUE_DIRECTORIES = ("incoming active deferred corrupt hold bounce defer trace flush saved "
                     "maildrop public private pid").split()


def free_port(address="127.0.0.1"):
    """A port that nobody listens on now. Somebody else may take it before you do: try again then."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def greets(address, port):
    """Whether an SMTP server there says 220."""
    try:
        with socket.create_connection((address, port), timeout=2) as connection:
            return connection.recv(4) == b"220 "
    except OSError:
        return False


def wait_until(condition, seconds, what):
    """Looks again and again until `condition()` gives something true, which is returned."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(0.02)
    return value


def peers_environment(peers):
    """The environment in which programs unpacked by tools/peers find their libraries."""
    libraries = (pathlib.Path(peers) / "libs").read_text().strip()
    return {**os.environ, "LD_LIBRARY_PATH": libraries}


def as_root(*command):
    """The command, through sudo when we are not root ourselves."""
    words = [str(word) for word in command]
    return words if os.geteuid() == 0 else ["sudo", "-n", "--preserve-env=LD_LIBRARY_PATH", *words]


def group_beside(*others):
    """A group of the system that is neither root's nor any of these ids (Postfix insists)."""
    for name in ("postdrop", "daemon", "man", "games", "users"):
        try:
            entry = grp.getgrnam(name)
        except KeyError:
            continue
        if entry.gr_gid not in (0, *others):
            return name
    raise RuntimeError("no system group that Postfix could use as setgid_group")


class Postfix:
    """One running Postfix instance.

    domains     list of domains to take mail for and keep
    recipients  the only addresses that exist in them (others get 550); None: any
    relay_to    (address, port): everything not in `domains` or `transports` goes there
    transports  {domain or ".domain" or address: "smtp:[127.0.0.1]:2525" or any other Postfix transport}
    tls         (certificate file, key file): offers STARTTLS
    main        further main.cf settings, which win
    address     where to listen (an address of 127.0.0.0/8); port: 0 chooses a free one
    """

    def __init__(self, peers, tmp, hostname="postfix.test", domains=(), recipients=None, relay_to=None,
                 transports=None, tls=None, main=None, address="127.0.0.1", port=0, processes=50):
        self.peers = pathlib.Path(peers).resolve()
        self.root = self.peers / "root"
        self.base = pathlib.Path(tmp).resolve() / f"postfix-{hostname}"
        self.hostname, self.domains, self.recipients = hostname, list(domains), recipients
        self.relay_to, self.transports = relay_to, dict(transports or {})
        self.tls, self.extra = tls, dict(main or {})
        self.address, self.wanted_port, self.port, self.processes = address, port, 0, processes
        self.owner = "postfix" if self._user_exists("postfix") else "mail"
        self.process = None

    @staticmethod
    def _user_exists(name):
        try:
            return bool(pwd.getpwnam(name))
        except KeyError:
            return False

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        self.stop()

    # --- configuration -------------------------------------------------------------------------

    @property
    def config(self):
        return self.base / "etc"

    @property
    def maildir(self):
        """Where all that it keeps is, whoever it is for."""
        return self.base / "mail" / "all"

    @property
    def logfile(self):
        return self.base / "log" / "maillog"

    def log(self):
        """All that it has logged."""
        return self.logfile.read_text(errors="replace") if self.logfile.exists() else ""

    def settings(self):
        owner, nobody = pwd.getpwnam(self.owner), pwd.getpwnam("nobody")
        values = {
            "compatibility_level": "3.6",
            "config_directory": self.config, "queue_directory": self.base / "spool",
            "data_directory": self.base / "data", "command_directory": self.root / "usr/sbin",
            "daemon_directory": self.root / "usr/lib/postfix/sbin",
            "shlib_directory": self.root / "usr/lib/postfix", "meta_directory": self.root / "etc/postfix",
            "sendmail_path": self.root / "usr/sbin/sendmail", "mail_owner": self.owner,
            "setgid_group": group_beside(owner.pw_gid, nobody.pw_gid), "default_privs": "nobody",
            "import_environment": "MAIL_CONFIG TZ LD_LIBRARY_PATH",
            "export_environment": "MAIL_CONFIG TZ LD_LIBRARY_PATH",
            "maillog_file": self.logfile, "maillog_file_prefixes": self.base,
            "myhostname": self.hostname, "mydestination": "", "local_recipient_maps": "",
            "mynetworks": "127.0.0.0/8", "inet_protocols": "ipv4", "inet_interfaces": "127.0.0.1",
            "alias_maps": "", "alias_database": "", "smtpd_peername_lookup": "no",
            "smtp_dns_support_level": "disabled", "smtp_host_lookup": "native", "smtputf8_enable": "yes",
            "smtpd_relay_restrictions": "permit_mynetworks, reject", "smtpd_recipient_restrictions": "",
            "smtpd_client_connection_rate_limit": "0", "smtpd_client_connection_count_limit": "0",
            "message_size_limit": "209715200", "mailbox_size_limit": "0", "virtual_mailbox_limit": "0",
            "minimal_backoff_time": "1s", "maximal_backoff_time": "5s", "queue_run_delay": "1s",
            "virtual_mailbox_domains": " ".join(self.domains), "virtual_mailbox_base": self.maildir.parent,
            "virtual_mailbox_maps": "static:all/" if self.recipients is None else f"texthash:{self.config}/recipients",
            "virtual_uid_maps": f"static:{owner.pw_uid}", "virtual_gid_maps": f"static:{owner.pw_gid}",
            "virtual_minimum_uid": "1", "transport_maps": f"texthash:{self.config}/transport",
            # Without a route nothing may leave: mail for anywhere else is deferred with a clear reason.
            "default_transport": "retry:4.4.4 no route in this test",
        }
        if self.relay_to:
            values |= {"default_transport": "smtp", "relayhost": "[%s]:%d" % tuple(self.relay_to)}
        if self.tls:
            values |= {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": self.tls[0],
                       "smtpd_tls_key_file": self.tls[1]}
        return values | self.extra

    def _write_files(self):
        owner = pwd.getpwnam(self.owner)
        shutil.rmtree(self.base, ignore_errors=True)
        for folder in ("etc", "log", "data", "mail", "spool"):
            (self.base / folder).mkdir(parents=True)
        for parent in (self.base, *self.base.parents):  # daemons that gave up root must get there
            if parent.stat().st_uid == os.geteuid() and parent != pathlib.Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        for folder in QUEUE_DIRECTORIES:
            (self.base / "spool" / folder).mkdir()
        main = "".join(f"{key} = {value}\n" for key, value in self.settings().items())
        (self.config / "main.cf").write_text(main)
        listen = f"{self.address}:{self.port}"
        (self.config / "master.cf").write_text(MASTER_CF.format(listen=listen, processes=self.processes))
        known = "".join(f"{recipient.lower()} all/\n" for recipient in self.recipients or ())
        (self.config / "recipients").write_text(known)
        routes = "".join(f"{name} {way}\n" for name, way in self.transports.items())
        (self.config / "transport").write_text(routes)
        owned = [self.base / "data", self.maildir.parent]
        owned += [self.base / "spool" / d for d in QUEUE_DIRECTORIES if d != "pid"]
        subprocess.run(as_root("chown", f"{owner.pw_uid}:{owner.pw_gid}", *owned), check=True)
        subprocess.run(as_root("chown", "0:0", self.config, self.config / "main.cf", self.config / "master.cf",
                               self.base / "spool", self.base / "spool/pid"), check=True)

    # --- life ----------------------------------------------------------------------------------

    def start(self):
        """Starts it and waits until it accepts connections; tries another port when one was taken."""
        for attempt in range(5):
            self.port = self.wanted_port or free_port(self.address)
            self._write_files()
            command = as_root(self.root / "usr/lib/postfix/sbin/master", "-c", self.config, "-d")
            self.output = open(self.base / "output", "wb")
            self.process = subprocess.Popen(command, env=peers_environment(self.peers), start_new_session=True,
                                            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)
            try:
                wait_until(lambda: self.process.poll() is not None or greets(self.address, self.port),
                           READY_SECONDS, "Postfix to greet")
            except TimeoutError:
                break
            if self.process.poll() is None:
                return self
            if self.wanted_port or attempt == 4:
                break
        self.stop()
        words = (self.base / "output").read_text(errors="replace") + self.log()
        raise RuntimeError("Postfix did not start:\n" + words[-4000:])

    def stop(self):
        """Ends master, which ends its daemons. Safe to call twice."""
        if self.process is None:
            return
        if self.process.poll() is None:
            if os.geteuid() == 0:
                self.process.send_signal(signal.SIGTERM)
            else:
                subprocess.run(as_root("kill", "-TERM", self.process.pid), check=False)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                subprocess.run(as_root("kill", "-KILL", "--", f"-{self.process.pid}"), check=False)
                self.process.wait()
        self.output.close()
        self.process = None

    # --- what became of the mail ---------------------------------------------------------------

    def files(self):
        """All messages kept so far, as files of one message each, oldest first."""
        if os.geteuid() != 0:
            subprocess.run(as_root("chmod", "-R", "a+rX", self.maildir.parent), check=False)
        folder = self.maildir / "new"
        return sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime_ns) if folder.is_dir() else []

    def messages(self, address):
        """The messages kept for this recipient so far, as bytes with Postfix's own trace fields in front."""
        mark = b"\ndelivered-to: " + address.lower().encode() + b"\n"
        texts = [file.read_bytes() for file in self.files()]
        return [text for text in texts if mark in text[:4096].lower()]

    def wait_for(self, address, count, seconds=30):
        """Those messages, once there are at least `count` of them."""
        def enough():
            if len(self.files()) < count:
                return None
            found = self.messages(address)
            return found if len(found) >= count else None
        try:
            return wait_until(enough, seconds, f"{count} messages for {address}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; the log ends:\n{self.log()[-3000:]}") from None

    def queue_ids(self):
        """The ids of the messages still in its queue."""
        answer = self.command("postqueue", "-j")
        return [line.split('"queue_id": "')[1].split('"')[0] for line in answer.splitlines() if '"queue_id"' in line]

    def command(self, name, *arguments):
        """Runs one of Postfix's commands (postqueue, postsuper, …) on this instance; its output as text."""
        command = as_root(self.root / "usr/sbin" / name, "-c", self.config, *arguments)
        return subprocess.run(command, env=peers_environment(self.peers), check=True, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60).stdout


def smtp_source(peers, server, *arguments, seconds=600):
    """Runs smtp-source against "address:port"; raises when a message was not accepted. Gives its output."""
    program = pathlib.Path(peers).resolve() / "root/usr/sbin/smtp-source"
    done = subprocess.run([str(program), *map(str, arguments), server], env=peers_environment(peers),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
    if done.returncode != 0:
        raise RuntimeError(f"smtp-source ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout + done.stderr


class Sink:
    """A running smtp-sink, Postfix's black hole with its fault options ("-q", "RCPT" and so on).

    dump   keep each message as a file of its own (with X-… lines of the envelope in front): messages()
    """

    def __init__(self, peers, *arguments, address="127.0.0.1", port=0, backlog=256, dump=None):
        self.peers = pathlib.Path(peers).resolve()
        self.arguments, self.address, self.wanted_port, self.port = arguments, address, port, 0
        self.backlog, self.process = backlog, None
        self.dump = pathlib.Path(dump).resolve() if dump else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        """Starts it and waits until it accepts connections."""
        words = [*map(str, self.arguments)]
        if self.dump:
            self.dump.mkdir(parents=True, exist_ok=True)
            words += ["-d", f"{self.dump}/%Y%m%d%H%M%S."]
        if os.geteuid() == 0:
            words += ["-u", "root"]
        for _ in range(5):
            self.port = self.wanted_port or free_port(self.address)
            program = self.peers / "root/usr/sbin/smtp-sink"
            self.process = subprocess.Popen([str(program), *words, f"{self.address}:{self.port}", str(self.backlog)],
                                            env=peers_environment(self.peers), stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            wait_until(lambda: self.process.poll() is not None or greets(self.address, self.port),
                       READY_SECONDS, "smtp-sink to greet")
            if self.process.poll() is None:
                return self
            why = self.process.stderr.read().decode(errors="replace")
            if self.wanted_port:
                break
        self.stop()
        raise RuntimeError("smtp-sink did not start: " + why)

    def stop(self):
        """Ends it. Safe to call twice."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
            self.process = None

    def messages(self):
        """What was dumped so far, as bytes, in no particular order."""
        return [file.read_bytes() for file in self.dump.iterdir() if file.is_file()]
