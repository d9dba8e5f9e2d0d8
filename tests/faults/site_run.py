"""The scenario of what is learnt of other servers and ordered about them: a policy that asks for protection (MTA-STS), TLSA records under
DNSSEC that do (DANE), and connections that prove it, a site that says "too fast", one that blocks and is resumed, mail of an account and to a domain that is suspended and let go."""

import contextlib
import http.server
import pathlib
import sqlite3
import ssl
import tempfile
import threading

from dane_test import TLS, Key
from faulty import ANN, BOB, BROKEN, FaultyServer, Run, World
from peer import Peer
from server import SECRET, free_port_everywhere
from zones import Knot, Meddler

SAFE, DANE, PACED, BLOCKED, HALTED = "rita@safe.test", "rita@dane.test", "rita@paced.test", "rita@blocked.test", "rita@halted.test"
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.safe.test\nmax_age: 86400\n"
SAYS = {"paced.test": "450 4.7.1 too many messages in a short time, slow down", "blocked.test": "421 4.7.1 Client host blocked using zen.spamhaus.org"}


class PolicyHost:
    """Serves the policy of safe.test by HTTPS."""

    def __init__(self, key, port):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(POLICY)))
                self.end_headers()
                self.wfile.write(POLICY)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*key.pair)
        # The handshake belongs to a connection's own thread: one that breaks off holds up nobody.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class SiteWorld(World):
    """With hosts that are found by MX, each of which has said no once by the end of a run."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.port, web = free_port_everywhere(), free_port_everywhere()
        self.said, self.lock = set(), threading.Lock()
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        ca = Key(folder, "authority.test", authority=True)
        self.stack.enter_context(PolicyHost(Key(folder, "mta-sts.safe.test", ca), web))
        self.web, self.roots = web, pathlib.Path(folder) / "roots.pem"
        self.roots.write_bytes(ca.own)
        zones = {"safe.test": ['_mta-sts.safe.test TXT "v=STSv1; id=1;"', "mta-sts.safe.test A 127.0.0.1"]}
        self.hosts = []
        for number, domain in enumerate(("safe.test", "paced.test", "blocked.test", "halted.test", "dane.test"), 71):
            records = zones.setdefault(domain, [])
            records += [f"{domain} MX 10 mx.{domain}", f"mx.{domain} A 127.0.0.{number}"]
            key = Key(folder, f"mx.{domain}", ca if domain == "safe.test" else None) if domain in ("safe.test", "dane.test") else None
            if domain == "dane.test":
                records.append(f"_{self.port}._tcp.mx.{domain} {key.tlsa(3, 1, 1)}")
            peer = Peer(address=f"127.0.0.{number}", port=self.port, name=f"mx.{domain}", script=self.script(domain),
                        **({"extensions": TLS, "tls": key.pair} if key else {}))
            self.hosts.append(self.stack.enter_context(peer))
        knot = self.stack.enter_context(Knot(zones, signed=["dane.test"]))
        self.dns, self.anchors = self.stack.enter_context(Meddler(knot)), knot.anchors("dane.test")
        super().__init__()

    def script(self, domain):
        def once(session, verb, line):
            with self.lock:
                if verb != "MAIL" or domain not in SAYS or domain in self.said:
                    return None
                self.said.add(domain)
            return SAYS[domain]
        return once

    def close(self):
        super().close()
        self.stack.close()

    def server(self, name):
        listeners = {"mx": {"role": "mx", "tls": "none"}, "pop3-clear": {"role": "pop3", "tls": "none", "login_in_clear": True},
                     "submission": {"role": "submission", "tls": "none", "login_in_clear": True}}
        server = SiteServer(accounts={ANN: SECRET, BOB: SECRET}, listeners=listeners, dns=self.dns, trust_anchor=self.anchors, folder=self.folder / name,
                            delivery={"port": self.port}, queue={"retry_first": "1s", "retry_most": "1s"}, extra_server={"threads": 2},
                            extra={"hooks": {"private_networks": ["127.0.0.0/8"], "plain_http": True}, "authentication": {"verify": False},
                                   "delivery.mta_sts": {"port": self.web, "allow": ["127.0.0.1"]}})
        server.roots = self.roots
        return server

    def fresh(self):
        server = super().fresh()
        with self.lock:
            self.said.clear()
        for host in self.hosts:
            with host.lock:
                host.messages.clear()
        return server

    def taken(self):
        return [message for host in self.hosts for message in host.messages]


class SiteServer(FaultyServer):
    roots = None

    def environment(self, **more):
        return super().environment(SSL_CERT_FILE=str(self.roots), **more)


class SiteRun(Run):
    def walk(self):
        for step in (self.send_safe, self.send_dane, self.send_paced, self.send_blocked, self.suspend, self.send_suspended, self.resume_site, self.resume):
            if not self.server.alive():
                return
            try:
                step()
            except BROKEN:
                continue

    def send_safe(self):
        self.send(self.ledger.write(ANN, local=[BOB], remote=[SAFE]), ANN)

    def send_dane(self):
        for _ in range(2):  # the second over the connection of the first, which has proved itself
            self.send(self.ledger.write(ANN, remote=[DANE]), ANN)

    def send_paced(self):
        for _ in range(2):
            self.send(self.ledger.write(ANN, remote=[PACED, SAFE]), ANN)

    def send_blocked(self):
        for _ in range(2):
            self.send(self.ledger.write(ANN, remote=[BLOCKED]), ANN)

    def suspend(self):
        """What an operator orders may fail, as the server does."""
        self.server.cli("queue", "suspend", "halted.test", "--reason", "they move")
        self.server.cli("queue", "suspend", BOB)

    def send_suspended(self):
        self.send(self.ledger.write(ANN, local=[BOB], remote=[HALTED, SAFE]), ANN)
        self.send(self.ledger.write(BOB, remote=[SAFE]), BOB)

    def resume_site(self):
        self.server.cli("site", "resume", "mx:mx.blocked.test")

    def resume(self):
        self.server.cli("queue", "resume", BOB)
        self.server.cli("queue", "resume", "halted.test")

    # --- afterwards ----------------------------------------------------------------------------

    def learnt(self):
        """Of the store: how many policies, sites and orders it has."""
        with contextlib.closing(sqlite3.connect(f"file:{self.server.data}/paquebot.db?mode=ro", uri=True, timeout=30)) as db:
            return [db.execute(sql).fetchone()[0] for sql in (
                "SELECT count(*) FROM sts_policy", "SELECT count(*) FROM site",
                "SELECT count(*) FROM setting WHERE key > 'suspension.' AND key < 'suspension/'")]

    def judge(self):
        """What was ordered and not ended is shown to the operator, who ends it: then all goes."""
        self.server.reap()
        server = self.server.start()
        problems = self.judge_suspensions(server)
        server.stop()
        return problems + super().judge()

    def judge_suspensions(self, server):
        there = {one["whose"] for one in server.json("queue", "suspended")["suspensions"]}
        ordered = {one["on"].split()[0] for one in server.json("audit", "--action", "queue.suspend")["entries"] if one["result"] in ("done", "begun")}
        problems = [f"{whose} is suspended, and the audit log does not know" for whose in there - ordered]
        for whose in there:
            server.cli("queue", "resume", whose)
        for one in server.json("site", "list")["sites"]:
            server.cli("site", "resume", one["site"])
        left = server.json("queue", "suspended")["suspensions"]
        return problems + [f"it can't be ended: {one}" for one in left if one["of"] != "site"]

    def judge_hook(self, server):
        """The other scenario's: here mail is held and let go, of which its judge knows nothing."""
        return []

    def judge_order(self, server):
        return []

    def judge_folders(self):
        return []
