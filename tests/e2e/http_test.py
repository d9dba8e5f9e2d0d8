"""HTTP as browsers, curl, Python and openssl speak it, and certificates by the name that is asked for, on every listener."""

import contextlib
import http.client
import os
import re
import socket
import ssl
import subprocess
import unittest

from server import Server, trusting, wait_until

LISTENERS = {"mx": {"role": "mx", "tls": "starttls"},
             "submissions": {"role": "submission", "tls": "implicit"},
             "pop3s": {"role": "pop3", "tls": "implicit"},
             "https": {"role": "http"},
             "http": {"role": "http", "tls": "none"},
             "clear": {"role": "http", "tls": "none", "redirect": False},
             "proxied": {"role": "http", "proxy_protocol_from": ["127.0.0.1"]},
             "closed": {"role": "http", "tls": "none", "accept_from": ["192.0.2.0/24"]}}
HOST = "mx.example.test"


def certificate(folder, name, *names):
    """A certificate for these names, self-signed, and its key; gives the settings."""
    pair = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=" + ",".join(f"DNS:{one}" for one in names),
                    "-days", "90", "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True)
    return {"certificate": pair[0], "key": pair[1]}


class HttpCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(accounts={"alice@example.test": "x y z of alice"}, listeners=LISTENERS,
                            extra_server={"log_level": "debug"})
        cls.addClassCleanup(cls.server.close)
        cls.server.tls = certificate(cls.server.folder, "own", HOST)
        cls.server.certificates = [certificate(cls.server.folder, "wild", "*.example.test"),
                                   certificate(cls.server.folder, "other", "mail.other.test")]
        cls.server.start()

    def connect(self, listener="clear", tls=None, name=HOST):
        connection = socket.create_connection(("127.0.0.1", self.server.ports[listener]), timeout=30)
        self.addCleanup(connection.close)
        if not tls:
            return connection
        wrapped = tls.wrap_socket(connection, server_hostname=name)
        self.addCleanup(wrapped.close)
        return wrapped

    def talk(self, *pieces, listener="clear", tls=None):
        """All that is said to these octets, until the server closes."""
        with self.connect(listener, tls) as connection:
            said = b""
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    connection.sendall(piece)
                while more := connection.recv(65536):
                    said += more
            return said

    def get(self, path, listener="https", host=HOST, method="GET", headers=None):
        port = self.server.ports[listener]
        client = (http.client.HTTPSConnection("127.0.0.1", port, context=trusting(), timeout=30) if listener == "https"
                  else http.client.HTTPConnection("127.0.0.1", port, timeout=30))
        with contextlib.closing(client):
            client.request(method, path, headers={"Host": host} | (headers or {}))
            answer = client.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()


class WebTest(HttpCase):
    def test_a_start_page_with_the_rules_for_browsers(self):
        self.assertEqual((self.get("/")[0], self.get("/")[1]["Location"]), (302, "/console/"), "our own names lead to the console")
        other = "mail.example.test"
        status, fields, page = self.get("/", host=other)
        self.assertEqual(status, 200)
        self.assertIn(f"<h1>{HOST}</h1>", page)
        self.assertEqual(fields["Content-Type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'", fields["Content-Security-Policy"])
        self.assertIn("require-trusted-types-for 'script'", fields["Content-Security-Policy"])
        self.assertEqual(fields["X-Content-Type-Options"], "nosniff")
        self.assertIn("max-age=", fields["Strict-Transport-Security"])
        self.assertNotIn("Server", fields)
        self.assertEqual(self.get("/", host=other, headers={"If-None-Match": fields["ETag"]})[0], 304)
        self.assertEqual(self.get("/", host=other, method="HEAD")[2], "")
        status, fields, problem = self.get("/none")
        self.assertEqual((status, fields["Content-Type"]), (404, "application/problem+json"))
        self.assertEqual(self.get("/", method="DELETE")[0], 405)
        self.assertNotIn("Strict-Transport-Security", self.get("/", listener="clear")[1])

    def test_curl_keeps_a_connection(self):
        url = f"https://{HOST}:{self.server.ports['https']}/console/assets/index.html"
        done = subprocess.run(["curl", "-sv", "--cacert", self.server.tls["certificate"], "--resolve", f"{HOST}:{self.server.ports['https']}:127.0.0.1",
                               url, url], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("</html>"), 2)
        self.assertRegex(done.stderr, "(?i)re-using existing connection")
        self.assertRegex(done.stderr, "(?i)ALPN.*http/1.1")

    def test_plain_http_leads_to_https(self):
        port = self.server.ports["https"]
        for path, method, status in (("/", "GET", 301), ("/a%20b?c=d", "GET", 301), ("/x", "POST", 308)):
            got, fields, _ = self.get(path, listener="http", host="www.example.test", method=method)
            self.assertEqual((got, fields["Location"]), (status, f"https://www.example.test:{port}{path}"))

    def test_who_may_not_come(self):
        self.assertTrue(self.talk(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", listener="closed").startswith(b"HTTP/1.1 403 "))

    def test_a_proxy_says_whose_connection_it_is(self):
        with self.connect("proxied") as connection:
            connection.sendall(b"PROXY TCP4 203.0.113.5 198.51.100.1 4711 443\r\n")
            with trusting().wrap_socket(connection, server_hostname=HOST) as tls:
                tls.sendall(b"GET /proxied HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                self.assertTrue(tls.recv(100).startswith(b"HTTP/1.1 404 "))
        self.assertIsNotNone(self.server.output.wait("event=http-request client=203.0.113.5 .*path=/proxied", 30))

    def test_a_pipeline_is_answered_in_its_order(self):
        one = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        for tls in (None, trusting()):
            listener = "https" if tls else "clear"
            said = self.talk(one * 20 + last, listener=listener, tls=tls)
            self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", said), [b"200"] * 20 + [b"404"])

    def test_a_client_that_sends_octet_by_octet(self):
        with self.connect() as connection:
            for octet in b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":
                connection.sendall(bytes([octet]))
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 200 "))

    def test_what_could_be_read_in_two_ways_ends_the_connection(self):
        hidden = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"
        for head in (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\nHost: x\n\n", b"GET http://x@y/ HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET https://mx.example.test/ HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET /%2e%2e/x HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n", b"EHLO x\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", b"CONNECT x:25 HTTP/1.1\r\nHost: x\r\n\r\n"):
            with self.subTest(head):
                said = self.talk(head + hidden)
                self.assertRegex(said, rb"^HTTP/1\.1 (4|5)\d\d ")
                self.assertEqual(said.count(b"HTTP/1.1 "), 1, said)
        self.assertNotIn("path=/hidden", self.server.log())

    def test_heads_and_contents_without_an_end(self):
        self.assertRegex(self.talk(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 100_000), rb"^HTTP/1\.1 431 ")
        self.assertRegex(self.talk(b"GET /" + b"x" * 100_000), rb"^HTTP/1\.1 414 ")
        huge = b"POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 100_000
        said = self.talk(huge)
        self.assertTrue(said.startswith(b"HTTP/1.1 404 "), said)
        self.assertIn(b"\r\nConnection: close\r\n", said)


class CertificatesTest(HttpCase):
    def shown(self, listener, name):
        """The certificate that a client gets who asks for this name."""
        context = trusting()
        with self.connect(listener) as connection:
            if listener == "mx":
                for said in (b"", b"EHLO x\r\n", b"STARTTLS\r\n"):
                    connection.sendall(said)
                    while not re.search(rb"(?m)^2\d\d .*\r\n\Z", connection.recv(4096)):
                        pass
            with context.wrap_socket(connection, server_hostname=name) as tls:
                return ssl.DER_cert_to_PEM_cert(tls.getpeercert(binary_form=True))

    def test_the_name_chooses_on_every_listener(self):
        files = {"own": self.server.tls} | dict(zip(("wild", "other"), self.server.certificates))
        pem = {name: one["certificate"].read_text() for name, one in files.items()}
        for listener in ("mx", "submissions", "pop3s", "https"):
            for name, wanted in ((HOST, "own"), (None, "own"), ("mail.example.test", "wild"), ("a.b.example.test", "own"),
                                 ("MAIL.other.test", "other"), ("unknown.test", "own")):
                with self.subTest(listener, name=name):
                    self.assertEqual(self.shown(listener, name), pem[wanted])

    def test_openssl_agrees_on_the_protocol_or_ends(self):
        def client(*words):
            return subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.server.ports['https']}", "-servername", HOST, *words],
                                  input=b"", capture_output=True, timeout=60)
        self.assertIn(b"ALPN protocol: http/1.1", client("-alpn", "h2,http/1.1").stdout)
        self.assertIn(b"No ALPN negotiated", client().stdout)
        refused = client("-alpn", "h2")
        self.assertIn(b"no application protocol", refused.stderr)
        self.assertNotEqual(client("-alpn", "acme-tls/1").returncode, 0, "there is no challenge")
        self.assertNotEqual(client("-tls1_1").returncode, 0)

    def test_a_renewed_one_is_shown_and_no_connection_is_dropped(self):
        tls = self.connect("https", trusting())
        request = b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n"
        tls.sendall(request)
        self.assertTrue(tls.recv(4096).startswith(b"HTTP/1.1 404 "))
        before = self.shown("pop3s", "mail.other.test")
        fresh = certificate(self.server.folder, "fresh", "mail.other.test")
        for kind in ("certificate", "key"):
            os.rename(fresh[kind], self.server.certificates[1][kind])
        wait_until(lambda: self.shown("pop3s", "mail.other.test") != before, "the renewed certificate", 60, pause=0.5)
        self.assertEqual(self.shown("https", "mail.other.test"), self.server.certificates[1]["certificate"].read_text())
        self.assertIn("other.crt", self.server.output.wait("event=certificate-renewed .*", 30)[0])
        tls.sendall(request)
        self.assertTrue(tls.recv(4096).startswith(b"HTTP/1.1 404 "))

    def test_the_status_tells_of_each(self):
        told = self.server.json("status")
        self.assertEqual([one["names"] for one in told["certificates"]],
                         [[HOST], ["*.example.test"], ["mail.other.test"]])
        self.assertEqual([one["problems"] for one in told["certificates"]], [[], [], []])
        self.assertEqual(told["certificate"]["file"], str(self.server.tls["certificate"]))


if __name__ == "__main__":
    unittest.main()
