"""Published tricks by which a forged message gets past sender authentication or shows a reader another author than was checked. One row,
one trick: the message, and that it is not believed. What each is called is its name. Judged by `paquebot message check`."""

import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

import dkim

import judges
from dns import Dns

CLIENT, REJECT = "192.0.2.66", '"v=DMARC1; p=reject"'
LEGIT = "From: boss@legit.test"
REST = "To: bob@peer.test\r\nSubject: pay\r\nDate: Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\npay eve\r\n"
NUL, ZERO_WIDTH = "\0", "\u200b"

# What stands where From should: none of it may be accepted as mail of somebody else than legit.test, whose policy is to refuse.
FROM = {
    "two fields, forged first": LEGIT + "\r\nFrom: eve@evil.test",
    "two fields, forged last": "From: eve@evil.test\r\n" + LEGIT,
    "two fields, one in another case": "From: eve@evil.test\r\nfROM: boss@legit.test",
    "two fields, one folded at once": "From: eve@evil.test\r\nFrom:\r\n boss@legit.test",
    "two fields, one with a space before the colon": "From: eve@evil.test\r\nFrom : boss@legit.test",
    "two fields, one with a tab before the colon": "From: eve@evil.test\r\nFrom\t: boss@legit.test",
    "a space before the colon alone": "From : boss@legit.test",
    "a NUL in the name": "From: eve@evil.test\r\nFrom" + NUL + ": boss@legit.test",
    "U+00A0 behind the name, below": "From: eve@evil.test\r\nFrom\xa0: boss@legit.test",
    "a name folded in front of the colon": "From: eve@evil.test\r\nFrom\r\n : boss@legit.test",
    "a byte order mark in front of the name": "\ufeffFrom: boss@legit.test\r\nFrom: eve@evil.test",
    "a vertical tab in front of the name": "From: eve@evil.test\r\n\x0bFrom: boss@legit.test",
    "a space in front of the first field": " From: boss@legit.test\r\nFrom: eve@evil.test",
    "no From": "Sender: boss@legit.test",
    "an empty From": "From: ",
    "an empty group": "From: boss@legit.test:;",
    "a group": "From: Staff: boss@legit.test;",
    "a group and an address": "From: Staff: eve@evil.test;, boss@legit.test",
    "two addresses": "From: eve@evil.test, boss@legit.test",
    "two addresses, the other way": "From: boss@legit.test, eve@evil.test",
    "many commas": "From: ,,boss@legit.test,, eve@evil.test",
    "two angle addresses": "From: <eve@evil.test> <boss@legit.test>",
    "an address without brackets, then one in them": "From: boss@legit.test <eve@evil.test>",
    "brackets in brackets": "From: <<boss@legit.test>@evil.test>",
    "a source route": "From: <@evil.test:boss@legit.test>",
    "a source route of several": "From: <@evil.test,@also.test:boss@legit.test>",
    "text behind the address": "From: <boss@legit.test>evil.test",
    "a NUL in the address": "From: boss@legit.test" + NUL + "@evil.test",
    "a NUL behind the address": "From: boss@legit.test" + NUL,
    "encoded words in the address": "From: =?utf-8?q?boss=40legit.test?=",
    "an encoded domain": "From: boss@=?utf-8?q?legit.test?=",
    "an encoded word that ends the address": "From: boss@legit.test=?utf-8?q?=00?=@evil.test",
    "comments in the address": "From: boss(a)@(b)legit(c).test(d)",
    "nested comments": "From: (a(b(c)))boss@legit.test(x(y))",
    "a comment that does not end": "From: boss@legit.test (((",
    "a comment that hides the address": "From: eve@evil.test\r\n (, <boss@legit.test>",
    "a quoted local part with an address": 'From: "boss@legit.test"@legit.test',
    "a quoted string that does not end": 'From: "eve@evil.test <boss@legit.test>',
    "a quoted pair": "From: b\\oss@legit.test",
    "a quoted pair in quotes": 'From: "b\\oss"@legit.test',
    "a folded address": "From: boss\r\n @\r\n legit.test",
    "upper case": "FROM: BOSS@LEGIT.TEST",
    "a final dot": "From: boss@legit.test.",
    "two dots": "From: boss@legit..test",
    "an invisible character": f"From: boss@legit{ZERO_WIDTH}.test",
    "a full-width dot": "From: boss@legit\uff0etest",
    "a sub-domain": "From: boss@pay.legit.test",
    "a deep sub-domain": "From: boss@" + "a." * 20 + "legit.test",
    "no domain": "From: boss",
    "an address literal": "From: boss@[192.0.2.66]",
    "a bare CR": "From: eve@evil.test\rFrom: boss@legit.test",
    "a bare LF": "From: eve@evil.test\nFrom: boss@legit.test",
    "nothing but blanks": "From: \t \r\n \t",
    "a semicolon": "From: eve@evil.test; boss@legit.test",
}

# What DMARC cannot stop, since the author checked is the one who wrote it: it must be evil.test that answers for it.
HONEST = {
    "a display name that is an address": 'From: "boss@legit.test" <eve@evil.test>',
    "a comment that is an address": "From: eve@evil.test (boss@legit.test)",
    "an encoded display name": "From: =?utf-8?q?boss=40legit.test?= <eve@evil.test>",
    "a look-alike below another domain": "From: boss@legit.test.evil.test",
    "Sender and Reply-To of another": "From: eve@evil.test\r\nSender: boss@legit.test\r\nReply-To: boss@legit.test",
    "Resent-From": "Resent-From: boss@legit.test\r\nFrom: eve@evil.test",
}


# Untidy, and yet there is no doubt who wrote it: evil.test, which answers for it.
UNTIDY = ["eve@evil.test <eve@evil.test>", "Eve [Support] <eve@evil.test>", "Smith, Eve <eve@evil.test>", "Shop: news <eve@evil.test>",
          "Eve @ Work <eve@evil.test>", "Eve; sales <eve@evil.test>", "=?utf-8?q?Smith,_Eve?= <eve@evil.test>", "J\xf6rg <eve@evil.test>",
          "\x1b$B;3ED\x1b(B <eve@evil.test>", "<eve@evil.test", '"Eve <eve@evil.test>', "Eve <<eve@evil.test>>", "eve@evil.test (", "Dr. Eve, PhD <eve@evil.test>"]

# Of these fields are made up, which programs read in all kinds of ways.
PIECES = [*("\xc2\xa0", "\xe3\x80\x80", "\xef\xbb\xbf", "\xc3\xa9", "-", "-.-", ".evil.test", "x.evil.test"),  # what ends a word for JavaScript
          "boss@legit.test", "<boss@legit.test>", '"boss@legit.test"', "(boss@legit.test)", "'boss@legit.test'", "eve@evil.test", "<eve@evil.test>", "boss", "eve",
          "legit.test", "@legit.test", "@evil.test", "=?utf-8?q?x=40legit.test,?=", "=?utf-8?b?PGJvc3NAbGVnaXQudGVzdD4?=", "=?utf-8?q?boss=40legit.test?=",
          "Ann", '"', "(", ")", ",", ";", ":", "<", ">", "@", "[", "]", "\\", " ", " ", "\t", "\r\n ", ".", "'", "\xe9", '\\"', "\\)"]


class BypassTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="paquebot-bypass-")))
        cls.key = subprocess.run(["openssl", "genrsa", "2048"], capture_output=True, check=True).stdout
        public = subprocess.run(["openssl", "rsa", "-pubout"], input=cls.key, capture_output=True, check=True).stdout.decode()
        record = "v=DKIM1; p=" + "".join(line for line in public.splitlines() if "-----" not in line)
        text = " ".join(f'"{record[i:i + 250]}"' for i in range(0, len(record), 250))
        cls.dns = cls.enterClassContext(Dns(
            'legit.test TXT "v=spf1 -all"', f"_dmarc.legit.test TXT {REJECT}", f's._domainkey.legit.test TXT {text}',
            f'evil.test TXT "v=spf1 ip4:{CLIENT} -all"', f"_dmarc.evil.test TXT {REJECT}", f's._domainkey.evil.test TXT {text}',
            'legit.test.evil.test TXT "v=spf1 +all"', ttl=300))

    def judge(self, rows):
        """{name: (message, HELO, sender)}: what we say of each."""
        cases = []
        for number, (data, helo, sender) in enumerate(rows.values()):
            path = self.folder / f"m{number}"
            path.write_bytes(data)
            cases.append(judges.Case(str(path), CLIENT, helo, sender))
        return dict(zip(rows, judges.ours(self.folder, self.dns, cases)))

    def sign(self, data, domain="evil.test", **options):
        return dkim.sign(data, b"s", domain.encode(), self.key, **({"include_headers": [b"from", b"subject"]} | options)) + data

    def refused(self, rows):
        for name, found in self.judge(rows).items():
            with self.subTest(name):
                self.assertEqual(found["action"], "refuse", found)

    def test_odd_from(self):
        self.refused({name: ((field + "\r\n" + REST).encode(), "mx.evil.test", "eve@evil.test") for name, field in FROM.items()})

    def test_odd_octets_around_the_name(self):
        """Latin-1 or UTF-8 or of no character: what one program passes over makes another field for the next."""
        rows, rest = {}, b"\r\nFrom: eve@evil.test\r\n" + REST.encode()
        for octet in (1, 11, 12, 31, 127, 128, 133, 160, 173, 255):
            odd, field = bytes([octet]), b": boss@legit.test"
            for name in (odd + b"From", b"From" + odd, b"Fr" + odd + b"om"):
                rows[repr(name)] = (name + field + rest, "mx.evil.test", "eve@evil.test")
        self.refused(rows)

    def test_odd_from_signed_by_another(self):
        """The same with a good signature of evil.test, where python3-dkim can make one."""
        rows = {}
        for name, field in FROM.items():
            try:
                rows[name] = (self.sign((field + "\r\n" + REST).encode()), "mx.evil.test", "eve@evil.test")
            except (dkim.DKIMException, ValueError, IndexError):
                continue
        self.assertGreater(len(rows), 20)
        self.refused(rows)

    def test_author_is_who_answers(self):
        for name, found in self.judge({name: ((field + "\r\n" + REST).encode(), "mx.evil.test", "eve@evil.test") for name, field in HONEST.items()}).items():
            with self.subTest(name):
                self.assertTrue(found["dmarc"]["author"].endswith("evil.test"), found)

    def test_untidy_without_doubt(self):
        found = self.judge({field: ((f"From: {field}\r\n" + REST).encode("latin-1"), "mx.evil.test", "eve@evil.test") for field in UNTIDY})
        for field, said in found.items():
            with self.subTest(field):
                self.assertEqual((said["action"], said["dmarc"]["author"]), ("accept", "evil.test"), said)

    def test_what_programs_show(self):
        """Whatever domain a program reads in From was judged, or the message was refused since nobody can tell."""
        dice = random.Random(20261129)
        fields = {"".join(dice.choices(PIECES, k=dice.randint(1, 7))).strip() for _ in range(1000)}
        fields |= {row.removeprefix("From: ") for row in [*FROM.values(), *HONEST.values()] if re.fullmatch(r"From: (?s:.(?!\r\n[A-Z]))*", row)}
        values = [field.encode("latin-1") for field in sorted(fields | set(UNTIDY)) if all(ord(c) < 256 for c in field)]
        found = list(self.judge({value: (b"From: " + value + b"\r\n" + REST.encode(), "mx.evil.test", "eve@evil.test") for value in values}).values())
        by_program, missing = judges.shown_authors(self.folder, values)
        for program, how in missing.items():
            with self.subTest(program):
                print(f"\nNOT JUDGED by what {program} shows, which is not there: {how}", file=sys.stderr, flush=True)
                self.skipTest(f"{program} is not there: {how}")
        for program, shown in by_program.items():
            with self.subTest(program):
                read, unjudged = 0, []
                for value, addresses, said in zip(values, shown, found):
                    judged = {one["author"] for one in [said["dmarc"], *said.get("further_dmarc", [])]}
                    for address in addresses:
                        domain = address.rpartition("@")[2].lower().strip(".-")
                        if "@" not in address or not re.fullmatch(r"([a-z0-9-]+\.)+[a-z][a-z0-9-]*", domain):
                            continue
                        read += 1
                        if domain not in judged and judged != {""} or domain == "legit.test" and said["action"] != "refuse":
                            unjudged.append((value, address, judged))
                self.assertEqual(unjudged, [])
                self.assertGreater(read, 50)

    def test_a_bad_line_of_a_list(self):
        """The others are judged all the same, and what is wrong is said."""
        letter, listing = self.folder / "letter", self.folder / "some"
        letter.write_text(f"{LEGIT}\r\n{REST}")
        listing.write_text(f"192.0.2.300\tx\te@evil.test\t{letter}\n{CLIENT}\tx\te@evil.test\t{self.folder}/away\n{CLIENT}\tx\te@evil.test\t{letter}\n")
        done = subprocess.run([judges.BINARY, "message", "check", "--config", self.folder / "none.toml", "--resolver", self.dns.address, "--list", listing, "--json"],
                              capture_output=True, timeout=60)
        bad, away, good = json.loads(done.stdout)["messages"]
        self.assertEqual(done.returncode, 65, done.stderr)
        self.assertIn("some:1: ", bad["error"])
        self.assertIn("can't be read", away["error"])
        self.assertEqual((good["action"], good["dmarc"]["policy_domain"], good["dmarc"]["published"]), ("refuse", "legit.test", "reject"))
        for words in (bad["error"], away["error"]):
            self.assertIn(words.encode(), done.stderr)

    def test_odd_envelope(self):
        """SPF passes for a name that is not the author's."""
        message = (LEGIT + "\r\n" + REST).encode()
        self.refused({
            "MAIL FROM of another": (message, "mx.legit.test", "eve@evil.test"),
            "empty MAIL FROM, HELO of another": (message, "evil.test", ""),
            "empty MAIL FROM, HELO of the author": (message, "legit.test", ""),
            "MAIL FROM below another": (message, "evil.test", "boss@legit.test.evil.test"),
            "MAIL FROM with two at signs": (message, "evil.test", '"boss@legit.test"@evil.test'),
            "HELO that is no name": (message, "legit.test(.evil.test", ""),
            "HELO with a NUL": (message, "legit.test\\0.evil.test", ""),
        })

    def test_signatures_that_cover_too_little(self):
        letter = (LEGIT + "\r\n" + REST).encode()
        good = self.sign(letter, "legit.test")
        evil = self.sign(letter)
        bare = {"include_headers": [b"from"]}
        signed_field = good[:-len(letter)]
        rows = {
            "nothing wrong": good,
            "signed by another": evil,
            "d= with a comment in it": evil.replace(b"d=evil.test", b"d=legit.test(.evil.test"),
            "d= with a NUL in it": evil.replace(b"d=evil.test", b"d=legit.test\0.evil.test"),
            "d= twice": evil.replace(b"d=evil.test", b"d=evil.test; d=legit.test"),
            "d= of the parent": evil.replace(b"d=evil.test", b"d=test"),
            "s= that leads to another domain": evil.replace(b"d=evil.test", b"d=legit.test").replace(b"s=s;", b"s=s._domainkey.evil.test.;"),
            "s= with a NUL": evil.replace(b"d=evil.test", b"d=legit.test").replace(b"s=s;", b"s=s._domainkey.evil.test\0;"),
            "i= of the author, d= of another": evil.replace(b"d=evil.test", b"i=boss@legit.test; d=evil.test"),
            "h= without From": signed_field.replace(b"h=from : ", b"h=").replace(b"h=from:", b"h=") + letter,
            "l= and text added": self.sign(letter, "legit.test", length=True) + b"and more\r\n",
            "l=0": self.sign(letter, "legit.test").replace(b"bh=", b"l=0; bh="),
            "a second Subject above": b"Subject: won\r\n" + good,
            "a second Subject below": good.replace(b"\r\n\r\n", b"\r\nSubject: won\r\n\r\n", 1),
            "a second From above": b"From: eve@evil.test\r\n" + good,
            "a second From of the same domain above": b"From: eve@legit.test\r\n" + good,
            "a second From of the same domain in the middle": good.replace(b"\r\nFrom: ", b"\r\nFrom: eve@legit.test\r\nFrom: ", 1),
            "a second From of the same domain below": good.replace(b"\r\n\r\n", b"\r\nFrom: eve@legit.test\r\n\r\n", 1),
            "a second Content-Type": b"Content-Type: text/html\r\n" + self.sign(b"Content-Type: text/plain\r\n" + letter, "legit.test", include_headers=[b"from", b"content-type"]),
            "expired": good.replace(b"t=", b"x=1000000001; t=1000000000; y="),
            "b= empty": signed_field[:signed_field.index(b" b=") + 3] + b"\r\n" + letter,
            "v= missing": good.replace(b"v=1; ", b""),
            "SHA-1": good.replace(b"rsa-sha256", b"rsa-sha1"),
            "the body behind a second empty line": self.sign(letter, "legit.test", **bare).replace(b"\r\n\r\n", b"\r\n\r\n<b>no</b>\r\n\r\n", 1),
        }
        found = self.judge({name: (data, "mx.evil.test", "eve@evil.test") for name, data in rows.items()})
        for name, said in found.items():
            with self.subTest(name):
                self.assertEqual(said["action"], "accept" if name == "nothing wrong" else "refuse", said)


if __name__ == "__main__":
    unittest.main()
