"""Pebble, an authority for certificates that we did not write (Debian's package), and a front before it that counts, meddles, and adds
when to renew (RFC 9773), which this pebble lacks.

    with Authority(dns, http=port, tls=port) as authority:
        authority.settings()         keys of [acme]
        authority.count("/order")    requests whose path has that
        authority.meddle = function  (handler, path) -> True when it has answered by itself

Both listen on free ports of the loopback (the front on `address`), and end by id.
"""

import datetime
import http.client
import http.server
import json
import os
import pathlib
import socketserver
import ssl
import subprocess
import tempfile
import threading

from server import PEERS, free_port_everywhere, wait_until

NAME = "ca.test"
SETTINGS = {"ocspResponderURL": "", "externalAccountBindingRequired": False}
HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "date", "server"}


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Front(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class Authority:
    def __init__(self, dns, http=1, tls=1, bind=None, refuse_nonces=0, address="127.0.0.1"):
        """`http`, `tls`: ports where it looks for proofs. `bind`: {kid: key} of accounts that it wants. `address`: its own."""
        self.dns, self.http, self.tls, self.bind, self.refuse_nonces = dns, http, tls, bind, refuse_nonces
        self.address = address
        self.asked, self.meddle, self.window = [], None, None
        self.lock = threading.Lock()

    def __enter__(self):
        self.holder = tempfile.TemporaryDirectory(prefix="paquebot-pebble-")
        self.folder = pathlib.Path(self.holder.name)
        self.ca = self.folder / "ca.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", self.folder / "key.pem", "-out", self.ca)
        self.inner, self.management = free_port_everywhere(), free_port_everywhere()
        settings = SETTINGS | {"listenAddress": f"127.0.0.1:{self.inner}", "managementListenAddress": f"127.0.0.1:{self.management}",
                               "certificate": str(self.ca), "privateKey": str(self.folder / "key.pem"), "httpPort": self.http,
                               "tlsPort": self.tls}
        if self.bind:
            settings |= {"externalAccountBindingRequired": True, "externalAccountMACKeys": self.bind}
        (self.folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        environment = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(self.refuse_nonces),
                                    "PEBBLE_AUTHZREUSE": "0"}
        self.log = (self.folder / "log").open("w+")
        self.process = subprocess.Popen([PEERS / "bin/pebble", "-config", self.folder / "pebble.json", "-strict", "-dnsserver",
                                         getattr(self.dns, "address", self.dns)], stdout=self.log, stderr=self.log, env=environment)
        self.serve()
        wait_until(self.answers, "pebble to listen")
        return self

    def __exit__(self, *failure):
        self.front.shutdown()
        self.front.server_close()
        self.process.terminate()
        self.process.wait()
        self.log.close()
        self.holder.cleanup()

    def answers(self):
        try:
            return self.ask("GET", "/dir", None, {})[0] == 200
        except OSError:
            return False

    def ask(self, method, path, content, fields):
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.inner, context=context, timeout=30)
        try:
            connection.request(method, path, content, fields)
            reply = connection.getresponse()
            return reply.status, reply.getheaders(), reply.read()
        finally:
            connection.close()

    def serve(self):
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def say(self, status, content, fields=()):
                self.send_response(status)
                for name, value in fields:
                    if name.lower() not in HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def serve_it(self):
                content = self.rfile.read(int(self.headers.get("Content-Length", 0))) or None
                with authority.lock:
                    authority.asked.append(f"{self.command} {self.path}")
                if authority.meddle and authority.meddle(self, self.path):
                    return
                if self.path.startswith("/renewal/"):
                    self.say_when()
                    return
                fields = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
                status, answered, body = authority.ask(self.command, self.path, content, fields)
                if self.path == "/dir" and authority.window:
                    body = json.dumps(json.loads(body) | {"renewalInfo": authority.url("/renewal")}).encode()
                self.say(status, body, answered)

            def say_when(self):
                start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in authority.window)
                body = json.dumps({"suggestedWindow": {"start": start, "end": end}}).encode()
                self.say(200, body, [("Content-Type", "application/json"), ("Retry-After", "60")])

            do_GET = do_POST = do_HEAD = serve_it

        self.front = Front((self.address, 0), Handler)
        self.port = self.front.server_address[1]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca, self.folder / "key.pem")
        self.front.socket = context.wrap_socket(self.front.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self, path):
        return f"https://{NAME}:{self.port}{path}"

    def settings(self, **more):
        return {"agree_tos": True, "directory": self.url("/dir"), "contact": "op@example.test", "ca_file": self.ca,
                "allow": ["127.0.0.0/8"], "domain_names": False, "dns_wait": "0s"} | more

    def count(self, part):
        with self.lock:
            return sum(part in one for one in self.asked)

    def renew_since_yesterday(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        self.window = (now - datetime.timedelta(days=2), now - datetime.timedelta(days=1))

    def roots(self):
        """Who signs what it gives."""
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.management, context=context, timeout=30)
        try:
            connection.request("GET", "/roots/0")
            return connection.getresponse().read().decode()
        finally:
            connection.close()
