"""SPF beside others: hundreds of records and senders out of a grammar, and the examples of RFC 7208, judged by us, python3-spf and
Mail::SPF (Perl). All ask the same name server's zone."""

import pathlib
import random
import sys
import tempfile
import unittest

import judges
from dns import Dns

# python3-spf imports dnspython, which has the name of the helper beside this file.
_own, _path = sys.modules.pop("dns"), list(sys.path)
_here = str(pathlib.Path(__file__).resolve().parent)
sys.path[:] = [entry for entry in sys.path if str(pathlib.Path(entry).resolve()) != _here]
import spf  # noqa: E402

sys.path[:] = _path
sys.modules["dns"] = _own

V4 = ("192.0.2.3", "192.0.2.129", "192.0.2.200", "198.51.100.7", "203.0.113.9")
V6 = ("2001:db8::1", "2001:db8:0:1::7", "2001:db8:ffff::9")
HOSTS = {f"h{i}.test": [("A", address) for address in V4[i:i + 2]] + ([("AAAA", V6[i % 3])] if i else []) for i in range(4)}
COUNT = 300


class Zone:
    """Records as lines for the name server, and for python3-spf."""

    def __init__(self):
        self.lines, self.known = [], {}

    def add(self, name, kind, *words):
        self.lines.append(f"{name} {kind} " + (f'"{words[0]}"' if kind == "TXT" else " ".join(map(str, words))))
        value = [words[0].encode()] if kind == "TXT" else (words[0], words[1]) if kind == "MX" else words[0]
        self.known.setdefault((name.lower().rstrip("."), kind), []).append(value)

    def look_up(self, name, kind, strict=True, timeout=None):
        return [((name, kind), value) for value in self.known.get((name.lower().rstrip("."), kind), [])]


def base_zone():
    zone = Zone()
    for name, addresses in HOSTS.items():
        for kind, address in addresses:
            zone.add(name, kind, address)
    # The hosts of one name all have addresses of both kinds, or there is one alone: in which order they are asked is open, and with it
    # whether one without addresses is seen before one that matches.
    for i, hosts in enumerate((("h1.test", "h2.test"), ("h2.test", "h3.test"), ("h0.test",))):
        zone.add(f"mx{i}.test", "A", V4[i])
        for host in hosts:
            zone.add(f"mx{i}.test", "MX", 10, host)
    zone.add("3.2.0.192.in-addr.arpa", "PTR", "h0.test")
    zone.add("7.100.51.198.in-addr.arpa", "PTR", "h3.test")
    for name, text in (("pass.test", "v=spf1 +all"), ("fail.test", "v=spf1 -all"), ("soft.test", "v=spf1 ip4:192.0.2.0/25 ~all"),
                       ("broken.test", "v=spf1 ip4:1.2.3 -all"), ("neutral.test", "v=spf1 ?all"), ("deep.test", "v=spf1 include:soft.test ?include:fail.test")):
        zone.add(name, "TXT", text)
    zone.add("noname.test", "A", "192.0.2.1")
    return zone


def record(rng):
    """One record out of the grammar of section 12; some are malformed."""
    terms = []
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4])):
        host = rng.choice([*HOSTS, "mx0.test", "mx1.test", "nowhere.test", "noname.test"])
        v4, v6 = rng.choice(V4), rng.choice(V6)
        terms.append(rng.choice(["", "", "", "+", "-", "~", "?"]) + rng.choice([
            f"ip4:{v4}", f"ip4:{v4}/{rng.choice([0, 8, 24, 25, 31, 32])}", f"ip6:{v6}", f"ip6:{v6}/{rng.choice([0, 32, 48, 64, 127, 128])}",
            f"a:{host}", f"a:{host}/24", f"a:{host}/24//64", f"A:{host}", f"mx:{rng.choice(['mx0.test', 'mx1.test'])}", "mx:mx0.test/25//48", "mx:mx2.test",
            "ptr:test", "ptr:h0.test", f"include:{rng.choice(['pass.test', 'fail.test', 'soft.test', 'neutral.test', 'deep.test'])}",
            "exists:%{l}.here.test", "exists:%{ir}.list.test", "a:%{d2}", "exists:%{d1r}.here.test", "include:%{l}.test", "exists:%{l1r-}.here.test"]))
    if rng.random() < 0.12:
        terms.append(rng.choice(["ip4:192.0.2", "ip4:192.0.2.1/33", "ip6:2001:db8::/129", "ip4:", "include:", "bogus", "bogus:x.test", "a:%{z}.test", "a:%", "exists",
                                 "include:broken.test", "include:none.test", "redirect=pass.test redirect=fail.test", "exp=a.test exp=b.test",
                                 "all:test", "mx:/24", "a//129", "ip4:192.0.2.1//32", "a:h0.test/33", "a:h0.test/024", "--all", "all.", "-all-"]))
    ending = rng.choice(["-all", "-all", "~all", "?all", "", "redirect=soft.test", "redirect=none.test", "REDIRECT=fail.test", "ALL", "foo=%{d}"])
    begin = rng.choice(["v=spf1"] * 20 + ["V=SPF1", "v=spf10", "v=spf1,", "v=spf2.0/pra"])
    return rng.choice([" "] * 9 + ["  "]).join(part for part in [begin, *terms, ending] if part) + rng.choice(["", "", " "])


# Where others judge otherwise than RFC 7208 says: judge, words of the record, and why they are wrong.
DIFFER = (
    ("python3-spf", "REDIRECT=", "section 4.6.1 writes names of modifiers in ABNF's strings, whose letters count the same in both cases (RFC 5234 section 2.3)"),
    ("Mail::SPF", "/0", "section 5.6: an ip6 network matches no IPv4 client, however wide it is; here all IPv4 addresses are in it"),
)


class InteropSpfTest(unittest.TestCase):
    maxDiff = None

    def judge(self, zone, cases):
        """Each case's record, and what the three say."""
        with tempfile.TemporaryDirectory(prefix="paquebot-spf-") as folder, Dns(*zone.lines, ttl=300) as dns:
            mine = judges.ours(pathlib.Path(folder), dns, cases)
            perls = judges.perl("mail_spf.pl", dns, [f"mfrom\t{case.sender}\t{case.ip}\t{case.helo}" for case in cases])
        spf.DNSLookup = zone.look_up
        pythons = [spf.check2(i=case.ip, s=case.sender, h=case.helo, timeout=20, querytime=0)[0] for case in cases]
        return [(one["spf"]["result"], one["spf"]["words"], python, perl) for one, python, perl in zip(mine, pythons, perls)]

    def test_records_of_the_grammar(self):
        zone, rng, cases, texts = base_zone(), random.Random(7208), [], []
        zone.add("bob.here.test", "A", "127.0.0.2")
        zone.add("test.here.test", "A", "127.0.0.2")
        for number in range(COUNT):
            text = record(rng)
            zone.add(f"d{number}.test", "TXT", text)
            for _ in range(2):
                texts.append(text)
                cases.append(judges.Case("", rng.choice(V4 + V6), "helo.test", f"{rng.choice(['bob', 'ann', 'a-bob', 'pass'])}@d{number}.test"))
        wrong, results = [], set()
        for case, text, (ours, words, python, perl) in zip(cases, texts, self.judge(zone, cases)):
            results.add(ours)
            for judge, said in (("python3-spf", python), ("Mail::SPF", perl)):
                if said != ours and not any(judge == name and part in text for name, part, _ in DIFFER):
                    wrong.append(f"{text!r} for {case.ip} {case.sender}: {ours} ({words}), {judge} says {said}")
        self.assertFalse(wrong, "\n".join(wrong))
        self.assertGreaterEqual(results, {"pass", "fail", "softfail", "neutral", "none", "permerror"})


    def test_examples_of_the_rfc(self):
        """RFC 7208 appendix A.1 to A.4, for addresses inside and outside."""
        zone = Zone()
        for name, kind, *words in (
                ("example.com", "A", "192.0.2.10"), ("example.com", "A", "192.0.2.11"), ("example.com", "MX", 10, "mail-a.example.com"),
                ("example.com", "MX", 20, "mail-b.example.com"), ("amy.example.com", "A", "192.0.2.65"), ("bob.example.com", "A", "192.0.2.66"),
                ("mail-a.example.com", "A", "192.0.2.129"), ("mail-b.example.com", "A", "192.0.2.130"), ("example.org", "MX", 10, "mail-c.example.org"),
                ("mail-c.example.org", "A", "192.0.2.140"), ("10.2.0.192.in-addr.arpa", "PTR", "example.com"), ("65.2.0.192.in-addr.arpa", "PTR", "amy.example.com"),
                ("140.2.0.192.in-addr.arpa", "PTR", "mail-c.example.org"), ("4.0.0.10.in-addr.arpa", "PTR", "bob.example.com"),
                ("_spf.example.com", "TXT", "v=spf1 mx -all"), ("la.example.org", "TXT", "v=spf1 redirect=example.org"), ("example.org", "TXT", "v=spf1 mx:example.org -all"),
                ("mobile.example.com", "TXT", "v=spf1 exists:%{l1r+}.%{d} -all"), ("joe.mobile.example.com", "A", "127.0.0.2")):
            zone.add(name, kind, *words)
        examples = ("v=spf1 +all", "v=spf1 a -all", "v=spf1 a:example.org -all", "v=spf1 mx -all", "v=spf1 mx:example.org -all",
                    "v=spf1 mx mx:example.org -all", "v=spf1 mx/30 mx:example.org/30 -all", "v=spf1 ptr -all", "v=spf1 ip4:192.0.2.128/28 -all",
                    "v=spf1 include:_spf.example.com include:la.example.org -all", "v=spf1 redirect=_spf.example.com", "v=spf1 exists:%{ir}.nowhere.test ~all")
        cases = [judges.Case("", ip, "mail-a.example.com", "joe@la.example.org") for ip in ("192.0.2.140", "192.0.2.10")]
        cases += [judges.Case("", "192.0.2.10", "amy.example.com", f"{who}@mobile.example.com") for who in ("joe", "joe+tag", "ann")]
        for number, text in enumerate(examples):
            # As if each were the record of example.com.
            name = f"e{number}.test"
            zone.add(name, "TXT", text)
            for kind, *words in (("A", "192.0.2.10"), ("A", "192.0.2.11"), ("MX", 10, "mail-a.example.com"), ("MX", 20, "mail-b.example.com")):
                zone.add(name, kind, *words)
            cases += [judges.Case("", ip, "mail-a.example.com", f"strong-bad@{name}") for ip in ("192.0.2.10", "192.0.2.65", "192.0.2.129", "192.0.2.131", "192.0.2.140", "10.0.0.4")]
        for case, (ours, words, python, perl) in zip(cases, self.judge(zone, cases)):
            self.assertEqual((python, perl), (ours, ours), f"{case}: {words}")


if __name__ == "__main__":
    unittest.main()
