"""Mail in while the DNS is in all states of trouble: SPF, DKIM, DMARC, DNS lists and reverse names, from zones served by Knot with a
meddler in front. What is temporary refuses nobody for good, nothing forged passes, and a session always goes on."""

import concurrent.futures
import re
import subprocess
import unittest

import dkim

from server import LISTENERS, SECRET, Server, accepted_id, check, letter
from zones import TYPES, Knot, Meddler, failing, late, record, silent, truncated, wire_name

ALICE, BOB = "alice@example.test", "bob@example.test"
MX = {"mx": LISTENERS["mx"] | {"xclient_from": ["127.0.0.1"]}, "pop3-clear": LISTENERS["pop3-clear"]}
ME = "ip4:127.0.0.1"


def text(record):
    """A TXT record's text in counted strings of at most 255 octets."""
    return " ".join(f'"{record[at:at + 255]}"' for at in range(0, len(record), 255))


def make_key(bits):
    private = subprocess.run(["openssl", "genrsa", str(bits)], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout"], input=private, capture_output=True, check=True).stdout.decode()
    return private, "v=DKIM1; p=" + "".join(line for line in public.splitlines() if "-----" not in line)


def all_at_once(do, items):
    """Sessions that each wait for the DNS."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return list(pool.map(do, items))


# Domain: the result of SPF for a client 127.0.0.1, and the records.
SPF = {
    "plain": ("pass", [f"v=spf1 {ME} -all"], []),
    "other": ("fail", ["v=spf1 ip4:192.0.2.1 -all"], []),
    "large": ("pass", ["v=spf1 " + " ".join(f"ip4:192.0.2.{i}" for i in range(150)) + f" {ME} -all"], []),  # over TCP
    "none": ("none", [], ["none.test A 127.0.0.1"]),
    "double": ("permerror", [f"v=spf1 {ME}", f"v=spf1 +{ME}"], []),
    "self": ("permerror", ["v=spf1 include:self.test -all"], []),
    "circle": ("permerror", ["v=spf1 redirect=circus.test"], ['circus.test TXT "v=spf1 redirect=circle.test"']),
    "ring": ("permerror", ["v=spf1 include:wring.test -all"], ['wring.test TXT "v=spf1 ?include:ring.test -all"']),
    "ten": ("pass", ["v=spf1" + " a:there.test" * 10 + f" {ME} -all"], []),
    "eleven": ("permerror", ["v=spf1" + " a:there.test" * 11 + f" {ME} -all"], []),
    "two-voids": ("pass", [f"v=spf1 a:no1.test mx:no2.test {ME} -all"], []),
    "three-voids": ("permerror", [f"v=spf1 a:no1.test mx:no2.test exists:no3.test {ME} -all"], []),
    "many-hosts": ("permerror", [f"v=spf1 mx {ME} -all"], [f"many-hosts.test MX 10 m{i}.test" for i in range(11)]),
    "includes-none": ("permerror", [f"v=spf1 include:none.test {ME} -all"], []),
    "includes-broken": ("temperror", [f"v=spf1 include:broken.test {ME} -all"], []),
    "a-broken": ("temperror", [f"v=spf1 a:broken.test {ME} -all"], []),
    "ptr-broken": ("pass", [f"v=spf1 ptr:broken.test {ME} -all"], []),  # RFC 7208 section 5.5: no match
    "alias": ("pass", [], ["alias.test CNAME plain.test"]),
    "loop": ("temperror", [], ["loop.test CNAME pool.test", "pool.test CNAME loop.test"]),
    "a-loop": ("temperror", [f"v=spf1 a:loop.test {ME} -all"], []),
    "malformed": ("permerror", [f"v=spf1 ip4:300.1.1.1 {ME}"], []),
}


def zone(records):
    spf = [f"{name}.test TXT {text(one)}" for name, (_, policies, _) in SPF.items() for one in policies]
    return spf + [one for _, _, more in SPF.values() for one in more] + [
        "there.test A 192.0.2.80", "_dmarc.strict.test TXT \"v=DMARC1; p=reject\"", 'strict.test TXT "v=spf1 -all"',
        '_dmarc.lost.test TXT "v=DMARC1; p=reject"', 'lost.test TXT "v=spf1 -all"', '_dmarc.nowhere.test TXT "v=DMARC1; p=reject"',
        f"big._domainkey.strict.test TXT {text(records[1] + '; n=' + 'large' * 200)}", f"key._domainkey.provider.test TXT {text(records[0])}",
        "alias._domainkey.strict.test CNAME key._domainkey.provider.test", f"cut._domainkey.strict.test TXT {text(records[1] + '; n=' + 'large' * 200)}",
        "mail.far.test A 192.0.2.1", "mail.far.test A 192.0.2.2", "mail.far.test A 192.0.2.10",
        "mail.far.test A 192.0.2.11", *[f"name{i}.far.test A 192.0.2.99" for i in range(30)],
        "10.2.0.192.list.test CNAME listed.list.test", "listed.list.test A 127.0.0.2", "listed.list.test TXT listed",
        "11.2.0.192.list.test CNAME looping.list.test", "looping.list.test CNAME 11.2.0.192.list.test"]


REVERSE = ["1.2.0.192.in-addr.arpa PTR mail.far.test", "2.2.0.192.in-addr.arpa CNAME 2.sub.2.0.192.in-addr.arpa",
           "2.sub.2.0.192.in-addr.arpa PTR mail.far.test", "4.2.0.192.in-addr.arpa CNAME 5.2.0.192.in-addr.arpa",
           "10.2.0.192.in-addr.arpa PTR mail.far.test", "11.2.0.192.in-addr.arpa PTR mail.far.test",
           "5.2.0.192.in-addr.arpa CNAME 4.2.0.192.in-addr.arpa", *[f"6.2.0.192.in-addr.arpa PTR name{i}.far.test" for i in range(30)]]


class IncomingCase(unittest.TestCase):
    guard, lists = {}, ()

    @classmethod
    def setUpClass(cls):
        (cls.small, small), (cls.big, big) = make_key(2048), make_key(4096)
        zones = {"test": zone((small, big)), "in-addr.arpa": REVERSE}
        cls.dns = cls.enterClassContext(Meddler(cls.enterClassContext(Knot(zones))))
        authentication = {"skip_networks": [], "timeout": "3s"}
        cls.server = Server(accounts={ALICE: SECRET, BOB: SECRET}, dns=cls.dns, listeners=MX, dns_lists=cls.lists,
                            extra={"authentication": authentication, "guard": cls.guard})
        cls.addClassCleanup(cls.server.close)
        cls.server.start()

    def offer(self, message, sender):
        """The final reply."""
        with self.server.smtp(timeout=30) as client:
            check(client.mail(sender), 250)
            check(client.rcpt(ALICE), 250)
            return client.data(message)

    def results(self, message, sender):
        """Our Authentication-Results field of a message that has to be accepted, on one line."""
        return self.results_of(self.offer(message, sender))

    def results_of(self, reply):
        check(reply, 250)
        ident = accepted_id(reply[1])
        [found] = [m for m in self.server.mail(ALICE) if ident.encode() in m]
        [field] = re.findall(rb"^Authentication-Results: mx\.example\.test;(?:.*\r\n)(?:[ \t].*\r\n)*", found, re.M)
        return re.sub(rb"\s+", b" ", field).decode()

    def sign(self, selector, key, domain="strict.test"):
        message = letter(f"ann@{domain}", subject=selector).encode()
        return dkim.sign(message, selector.encode(), domain.encode(), key, include_headers=[b"from", b"subject", b"to"]) + message


class AuthenticationTest(IncomingCase):
    def test_spf(self):
        self.dns.rule("broken.test", failing(2))
        for name, (result, _, _) in SPF.items():
            with self.subTest(name):
                self.assertIn(f"spf={result} ", self.results(letter("x@nobody.test", subject=name), f"x@{name}.test"))
        self.assertIn(("large.test", "TXT", "tcp"), self.dns.asked)

    def test_keys_over_tcp_and_behind_aliases(self):
        self.dns.rule("cut._domainkey.strict.test", truncated)
        self.assertIn("dkim=pass", self.results(self.sign("big", self.big), "x@nobody.test"))
        self.assertIn(("big._domainkey.strict.test", "TXT", "tcp"), self.dns.asked)
        self.assertIn("dkim=pass", self.results(self.sign("alias", self.small), "x@nobody.test"))
        check(self.offer(self.sign("cut", self.big), "x@nobody.test"), 451, "4.7.0", "try again later")  # it can't be had, so nobody knows
        check(self.offer(letter("ann@strict.test", subject="forged"), "x@nobody.test"), 550, "DMARC policy of strict.test")

    def test_trouble_refuses_nobody_for_good(self):
        rules = {"fails": failing(2), "refuses": failing(5), "silent": silent, "slow": late(6), "cut": truncated,
                 "garbled": lambda q: q.packet(b"\xff" * 40, (2, 0, 0))}
        for name, rule in rules.items():
            self.dns.rule(f"{name}.lost.test", rule)
            self.dns.rule(f"_dmarc.{name}.lost.test", rule)

        replies = all_at_once(lambda name: self.offer(letter(f"x@{name}.lost.test", subject=name), f"x@{name}.lost.test"), rules)
        for name, reply in zip(rules, replies):
            with self.subTest(name):
                check(reply, 451, "4.7.0", f"{name}.lost.test", "the DNS does not answer", "try again later")
        self.assertIn("spf=pass", self.results(letter("x@nobody.test", subject="after"), "x@plain.test"))

    def test_slow_is_not_lost(self):
        self.dns.rule("plain.test", late(0.5))
        self.assertIn("spf=pass", self.results(letter("x@nobody.test", subject="slow"), "x@plain.test"))

    def test_the_tree_walk_is_bounded(self):
        author = "x@" + ".".join("abcdefghij" * 9) + ".nowhere.test"
        check(self.offer(letter(author, subject="deep"), "x@nobody.test"), 550, "DMARC policy of nowhere.test")
        names = [name for name, _ in self.dns.asked_for("nowhere.test") if name.startswith("_dmarc.")]
        self.assertEqual(len(names), 7)  # and _dmarc.test is the eighth (RFC 9989 section 4.10)

    def test_strangers_do_not_speak_for_others(self):
        """Records of other names beside an answer, and an alias to a name whose records come along."""
        lie = ["strict.test TXT v=spf1~+all", "_dmarc.strict.test TXT v=DMARC1;p=none", "strict.test NS ns.evil.test"]
        self.dns.rule("evil.test", lambda q: q.reply([f"{q.name} TXT v=spf1~+all"], ["strict.test NS ns.evil.test"],
                                                     [*lie, "ns.evil.test A 127.0.0.66"]))
        self.assertIn("spf=pass", self.results(letter("x@nobody.test", subject="lie"), "x@evil.test"))
        for sender in ("x@evil.test", "x@strict.test"):
            check(self.offer(letter("ann@strict.test", subject="lie"), sender), 550, "DMARC policy of strict.test")

    def test_forged_replies_are_passed_over(self):
        def spoof(question):
            lie = question.reply([f"{question.name} TXT v=spf1~+all"])
            for step in range(1, 100):
                question.send(bytes([lie[0], (lie[1] + step) & 0xFF]) + lie[2:])

        self.dns.rule("other.test", spoof)
        self.assertIn("spf=fail", self.results(letter("x@nobody.test", subject="spoofed"), "x@other.test"))

    def test_octets_in_names_and_texts(self):
        long = b"".join(b"\x3f" + b"x" * 63 for _ in range(3)) + wire_name("test")
        for number, octets in enumerate((b"v=spf1 a:\xff\xfe\0.test \r\n -all", b"v=spf1 exists:%{l}.%{d} -all\0", b"v=spf1 " + b"a:x" * 80)):
            name = f"octets{number}.test"
            self.dns.rule(name, lambda q, octets=octets, name=name: q.reply(
                [record(name, TYPES["TXT"], 60, bytes([len(octets)]) + octets)], additional=[record("test", TYPES["PTR"], 60, long)]))
            with self.subTest(name):
                self.assertNotIn("spf=pass", self.results(letter("x@nobody.test", subject=name), f"x@{name}"))


class GuardTest(IncomingCase):
    guard = {"reverse_dns": "refuse", "dns_refuse_at": 1}
    lists = [{"zone": zone, "score": 1} for zone in ("list.test", "broken.test", "silent.test", "wild.test", "odd.test")]

    def rcpt(self, address):
        client = self.server.smtp(timeout=30)
        self.addCleanup(client.close)
        check(client.docmd("XCLIENT", f"ADDR={address} HELO=mail.far.test"), 220)
        check(client.ehlo("mail.far.test"), 250)
        check(client.mail("x@nobody.test"), 250)
        return client.rcpt(ALICE)

    def test_lists_and_names(self):
        self.dns.rule("broken.test", failing(2))
        self.dns.rule("silent.test", silent)
        self.dns.rule("wild.test", lambda q: q.reply([f"{q.name} A 127.0.0.2"]))  # it lists everybody
        self.dns.rule("odd.test", lambda q: q.reply([f"{q.name} A 192.0.2.1", "9.2.0.192.in-addr.arpa PTR mail.far.test"]))
        self.dns.rule("7.2.0.192.in-addr.arpa", failing(2))
        target = b"\x04\xffa\0b" + wire_name("test")
        self.dns.rule("8.2.0.192.in-addr.arpa", lambda q: q.reply([record(q.name, TYPES["PTR"], 60, target)]))
        wanted = (("192.0.2.1", 250, ""), ("192.0.2.2", 250, ""), ("192.0.2.3", 550, "has no name"), ("192.0.2.4", 250, ""),
                                     ("192.0.2.6", 550, "5.7.25"), ("192.0.2.7", 250, ""), ("192.0.2.8", 250, ""),
                                     ("192.0.2.9", 550, "has no name"), ("192.0.2.10", 550, "listed by list.test"), ("192.0.2.11", 250, ""))
        replies = all_at_once(self.rcpt, [address for address, _, _ in wanted])
        for (address, code, words), reply in zip(wanted, replies):
            with self.subTest(address):
                check(reply, code, words)
        self.assertLessEqual(len({name for name, _ in self.dns.asked_for(".far.test") if name.startswith("name")}), 10)


if __name__ == "__main__":
    unittest.main()
