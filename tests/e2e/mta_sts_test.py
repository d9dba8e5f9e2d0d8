"""MTA-STS on the way out (RFC 8461): policies that nginx serves, fetched over verified TLS, followed, kept, and mistrusted."""

import pathlib
import subprocess
import tempfile
import unittest

from dane_test import TLS, Key
from dns import Dns
from peer import EXTENSIONS, Peer
from relay_test import ALICE
from server import LISTENERS, PEERS, SECRET, Server, free_port_everywhere, wait_until
from wishes_test import WishesCase

CONFIG = """daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log; default_type text/plain; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {servers}
}}
"""
SITE = """server {{ listen 127.0.0.1:{port} ssl; server_name {name}; ssl_certificate {cert}; ssl_certificate_key {key};
  location = /.well-known/mta-sts.txt {{ {answer} }} }}
"""


def policy(mode, *hosts, age=86400):
    return f"version: STSv1\nmode: {mode}\n" + "".join(f"mx: {host}\n" for host in hosts) + f"max_age: {age}\n"


class Nginx:
    """Serves policies: {domain: (key, text or what nginx is to do)}."""

    def __init__(self, folder, port, sites):
        self.folder, servers = pathlib.Path(folder), ""
        for domain, (key, answer) in sites.items():
            if not answer.endswith(";"):
                file = self.folder / f"{domain}.txt"
                file.write_text(answer)
                answer = f"alias {file};"
            servers += SITE.format(port=port, name=f"mta-sts.{domain}", cert=key.cert, key=key.key, answer=answer)
        self.folder.chmod(0o755)
        (self.folder / "nginx.conf").write_text(CONFIG.format(folder=self.folder, servers=servers))

    def __enter__(self):
        self.process = subprocess.Popen([str(PEERS / "bin/nginx"), "-c", self.folder / "nginx.conf", "-p", self.folder, "-e", self.folder / "error.log"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: (self.folder / "pid").exists() or self.process.poll() is not None, "nginx")
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        self.process.wait()

    def asked(self, path="mta-sts.txt"):
        return (self.folder / "access.log").read_text().count(path)


class MtaStsTest(WishesCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        site = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        port, web = free_port_everywhere(), free_port_everywhere()
        ca = Key(folder, "authority.test", authority=True)
        domains = ("good", "wrong", "clear", "other", "testing", "none", "moved", "large", "broken", "foreign", "free")
        web_keys = {domain: Key(folder, f"mta-sts.{domain}.test", None if domain == "foreign" else ca) for domain in domains}
        texts = {"good": policy("enforce", "mx.good.test"), "wrong": policy("enforce", "mx.wrong.test"), "free": policy("enforce", "mx.free.test"), "clear": policy("enforce", "*.clear.test"),
                 "other": policy("enforce", "mx.elsewhere.test"), "testing": policy("testing", "mx.testing.test"), "none": policy("none"),
                 "moved": "return 301 https://mta-sts.good.test/;", "large": policy("enforce", "mx.elsewhere.test") + "x: y\n" * 20000,
                 "broken": "what is this", "foreign": policy("enforce", "mx.elsewhere.test")}
        cls.nginx = cls.enterClassContext(Nginx(site, web, {f"{domain}.test": (web_keys[domain], texts[domain]) for domain in domains}))
        mx = {domain: Key(folder, f"mx.{domain}.test", ca) for domain in ("good", "other")}
        mx["plain"] = Key(folder, "mx.plain.test")  # nobody vouches for it
        records, cls.peers = [], {}
        for number, domain in enumerate(domains, 81):
            key = mx.get(domain, mx["plain"])
            cls.peers[domain] = cls.enterClassContext(Peer(address=f"127.0.0.{number}", port=port, extensions=EXTENSIONS if domain == "clear" else TLS, tls=key.pair))
            records += [f"{domain}.test MX 10 mx.{domain}.test", f"mx.{domain}.test A 127.0.0.{number}", f"mta-sts.{domain}.test A 127.0.0.1",
                        f'_mta-sts.{domain}.test TXT "v=STSv1; id=1;"']
        cls.dns = cls.enterClassContext(Dns(*records))
        cls.server = Server(accounts={ALICE: SECRET}, dns=cls.dns, delivery={"port": port},
                            extra={"delivery.mta_sts": {"port": web, "allow": ["127.0.0.1"]}},
                            listeners={name: LISTENERS[name] for name in ("submission", "pop3-clear")})
        roots, environment = cls.server.folder / "roots.pem", cls.server.environment
        roots.write_bytes(ca.own)
        cls.server.environment = lambda **more: environment(SSL_CERT_FILE=str(roots), **more)
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def told(self, ident):
        return str(self.server.trace(ident))

    def relayed(self, recipient, *words, more=""):
        ident = self.submit(recipient, more=more)
        self.wait_state(ident, "relayed")
        for word in words:
            self.assertIn(word, self.told(ident))

    def waits(self, recipient, *words):
        ident = self.submit(recipient)
        self.wait_event(ident, "deferred")
        for word in words:
            self.assertIn(word, self.server.trace(ident)["recipients"][0]["last_reply"])
        self.assertFalse([m for peer in self.peers.values() for m in peer.messages if ident.encode() in m.data])

    def test_enforced(self):
        self.relayed("a@good.test", "TLSv1.3, MTA-STS)")
        self.waits("a@wrong.test", "4.7.5", "a certificate for mx.wrong.test is required (MTA-STS)")
        self.waits("a@clear.test", "4.7.10", "TLS is required (MTA-STS)")
        self.waits("a@other.test", "4.7.5", "names none of its mail hosts")

    def test_testing_and_none(self):
        self.relayed("b@testing.test", "MTA-STS (testing): would not be sent")
        self.relayed("b@none.test", "not authenticated")

    def test_what_is_no_policy_is_none(self):
        for domain in ("moved", "large", "broken", "foreign"):
            with self.subTest(domain):
                self.relayed(f"c@{domain}.test", "not authenticated")

    def test_the_sender_may_want_it_sent_in_any_case(self):
        self.relayed("d@free.test", more="TLS-Required: No\r\n")

    def test_a_policy_survives_a_restart_and_silence(self):
        self.waits("e@wrong.test", "(MTA-STS)")
        asked = self.nginx.asked()
        self.dns.remove("_mta-sts.wrong.test")
        self.addCleanup(self.dns.add, '_mta-sts.wrong.test TXT "v=STSv1; id=1;"')
        self.server.restart()
        self.waits("f@wrong.test", "(MTA-STS)")
        self.assertEqual(self.nginx.asked(), asked)

    def test_it_is_explained(self):
        told = self.server.json("tls", "explain", "testing.test")
        self.assertEqual((told["policy"]["mode"], told["policy"]["mx"], told["policy"]["id"]), ("testing", ["mx.testing.test"], "1"))
        [host] = told["hosts"]
        self.assertTrue(host["works"])
        self.assertIn("would not be sent", host["told"])
        told = self.server.json("tls", "explain", "wrong.test", "--refresh")
        self.assertFalse(told["hosts"][0]["works"])
        self.assertEqual(told["hosts"][0]["asked_by"], "MTA-STS")
        words = self.server.must("tls", "explain", "wrong.test")
        self.assertIn("MTA-STS: enforce", words)
        self.assertIn("a certificate for mx.wrong.test is required", words)


if __name__ == "__main__":
    unittest.main()
