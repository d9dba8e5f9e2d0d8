"""DKIM beside others: python3-dkim, Mail::DKIM and opendkim sign hundreds of mixed messages, we verify; what our server signs,
they verify; and each message with one place changed gets the same verdict from all."""

import base64
import pathlib
import re
import subprocess
import tempfile
import unittest

import dkim
import nacl.signing

import corpus
import judges
from dns import Dns
from peer import Peer
from server import SECRET, Server, free_port_everywhere, wait_until

FORMS = [(head, body) for head in ("simple", "relaxed") for body in ("simple", "relaxed")]
DOMAIN = "signed.test"


class Keys:
    """One key of each kind under three selectors, as files, and their records."""

    def __init__(self, folder):
        self.records, self.files = {}, {}
        for selector, words in (("weak", ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024"]),
                                ("rsa", ["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"])):
            self.files[selector] = folder / f"{selector}.pem"
            subprocess.run(["openssl", "genpkey", *words, "-out", self.files[selector]], check=True, capture_output=True)
            public = subprocess.run(["openssl", "pkey", "-in", self.files[selector], "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
            self.records[f"{selector}._domainkey.{DOMAIN}"] = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
        self.files["ed"] = folder / "ed.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.files["ed"]], check=True)
        private = subprocess.run(["openssl", "pkey", "-in", self.files["ed"], "-outform", "DER"], check=True, capture_output=True).stdout[-32:]
        self.seed = base64.b64encode(private)
        public = bytes(nacl.signing.SigningKey(private).verify_key)
        self.records[f"ed._domainkey.{DOMAIN}"] = "v=DKIM1; k=ed25519; p=" + base64.b64encode(public).decode()

    def zone(self):
        return [f"{name} TXT " + " ".join(f'"{text[i:i + 250]}"' for i in range(0, len(text), 250)) for name, text in self.records.items()]


class InteropDkimTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="paquebot-interop-")))
        cls.keys = Keys(cls.folder)
        cls.dns = cls.enterClassContext(Dns(*cls.keys.zone(), ttl=300))

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def results(self, files):
        """{file: our result of the first signature}."""
        said = judges.ours(self.folder, self.dns, [judges.Case(str(file)) for file in files])
        return {one["file"]: one["dkim"][0] for one in said if one["dkim"]}

    def compare(self, prefix, signed):
        """`signed`: {name: message}. All say the same of each, which is good, and of a changed copy."""
        files, changes = {}, {}
        for number, (name, data) in enumerate(signed.items()):
            files[self.write(f"{prefix}-{name}", data)] = data
            change, other = corpus.tampered(data, number)
            path = self.write(f"{prefix}-{name}-changed", other)
            files[path], changes[path] = other, change
        mine = self.results(files)
        self.assertEqual(len(mine), len(files))
        pythons = {path: judges.python_verify(data, {n: r.encode() for n, r in self.keys.records.items()}) for path, data in files.items()}
        perls = dict(zip(files, judges.perl("mail_dkim.pl", self.dns, [f"verify\t{path}" for path in files])))
        opens = dict(zip(files, judges.opendkim_verify(self.folder, files.values(), self.keys.records)))
        wrong, passed = [], 0
        for path, data in files.items():
            verdict = mine[str(path)]
            ours = verdict["result"] == "pass"
            passed += ours and path in changes
            if path not in changes and not ours:
                wrong.append((path.name, "an unchanged message", verdict))
            theirs = {"python3-dkim": pythons[path], "opendkim": opens[path]}
            if verdict["algorithm"] == "rsa-sha256":  # Mail::DKIM knows no Ed25519
                theirs["Mail::DKIM"] = perls[path].split(" ")[0] == "pass"
            for judge, said in theirs.items():
                if said != ours and not (judge == "python3-dkim" and re.search(rb"z=[^;]*\sb=", data)):  # it takes this b= for the signature's
                    wrong.append((path.name, changes.get(path), judge, said, verdict["result"], verdict["words"]))
        self.assertFalse(wrong, "\n".join(map(str, wrong)))
        self.assertTrue(0 < passed < len(changes), "some changes are harmless to the relaxed forms, most are not")

    # --- signed by others, verified by us and by each other ------------------------------------------

    def test_python_signs(self):
        signed = {}
        for number, sample in enumerate(corpus.messages(1, 200)):
            kind = number // 4 % 2
            names = [part.split(b":")[0].lower() for part in sample.head]
            options = {"include_headers": names + [b"from", b"subject", b"reply-to"]} if number % 3 == 0 else {}
            field = dkim.sign(sample.data, b"ed" if kind else b"weak", DOMAIN.encode(), self.keys.seed if kind else self.keys.files["weak"].read_bytes(),
                              identity=b"ann@sub." + DOMAIN.encode() if number % 7 == 0 else None,
                              canonicalize=tuple(form.encode() for form in FORMS[number % 4]),
                              signature_algorithm=b"ed25519-sha256" if kind else b"rsa-sha256", **options)
            signed[sample.name] = field + sample.data
        self.compare("python", signed)

    def test_perl_signs(self):
        samples = list(corpus.messages(2, 100))
        jobs = []
        for number, sample in enumerate(samples):
            path = self.write("perl-" + sample.name, sample.data)
            jobs.append("\t".join(["sign", str(path), str(self.keys.files["rsa"]), DOMAIN, "rsa", "/".join(FORMS[number % 4]),
                                   "@news.signed.test" if number % 5 == 0 else "", "3600" if number % 3 == 0 else ""]))
        fields = [bytes.fromhex(field) + b"\r\n" for field in judges.perl("mail_dkim.pl", self.dns, jobs)]
        self.compare("perl", {sample.name: field + sample.data for sample, field in zip(samples, fields)})

    def test_opendkim_signs(self):
        signed = {}
        samples = list(corpus.messages(3, 100))
        for number in range(8):
            mine = samples[number::8]
            # What opendkim signs by Ed25519 with a simple head, it does not verify itself.
            selector, algorithm = ("ed", "ed25519-sha256") if number in (6, 7) else ("rsa", "rsa-sha256")
            more = "SignatureTTL 3600\nDiagnostics yes\n" if number % 2 else "OversignHeaders From,Subject,Reply-To\n"
            fields = judges.opendkim_sign(self.folder, [sample.data for sample in mine], self.keys.files[selector], selector, algorithm,
                                          "/".join(FORMS[number % 4]), more)
            signed |= {sample.name: field + sample.data for sample, field in zip(mine, fields)}
        self.compare("open", signed)


    # --- signed by our server ------------------------------------------------------------------------

    def test_we_sign(self):
        port = free_port_everywhere()
        author = "ann@" + DOMAIN
        with Dns("peer.test MX 10 mx.peer.test", "mx.peer.test A 127.0.0.9") as zone, Peer(address="127.0.0.9", port=port, name="mx.peer.test") as peer, \
                Server(accounts={author: SECRET}, dns=zone, delivery={"port": port}, account_limits={"messages_per_hour": 1000}) as server:
            records = {record["name"].rstrip("."): record["value"] for record in server.json("dkim", "dns", DOMAIN)["records"]}
            samples = list(corpus.messages(4, 100, wide=False))
            with server.smtp("submission", author) as client:
                for sample in samples:
                    client.sendmail(author, ["bob@peer.test"], sample.data)
            wait_until(lambda: len(peer.messages) == len(samples), "all messages at the peer", 60)
            server.must("dkim", "list", DOMAIN)
        self.dns.add(*(f"{name} TXT " + " ".join(f'"{text[i:i + 250]}"' for i in range(0, len(text), 250)) for name, text in records.items()))
        self.keys.records |= records
        signed = {}
        for number, message in enumerate(peer.messages):
            both = re.findall(rb"DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*", message.data)
            self.assertEqual(len(both), 2)
            # Each verdict is about one signature: in turns that of RSA and of Ed25519.
            signed[f"m{number}"] = message.data.replace(both[number % 2], b"", 1)
        self.assertEqual(len({data for data in signed.values()}), len(samples))
        self.compare("ours", signed)

    # --- chains of ARC -------------------------------------------------------------------------------

    def test_chains(self):
        """python3-dkim seals, once or twice; a copy is changed in one place."""
        files, key = {}, self.keys.files["rsa"].read_bytes()
        for number, sample in enumerate(corpus.messages(5, 40)):
            data = sample.data
            for before in (b"none", b"pass")[:1 + number % 2]:
                result = b"Authentication-Results: lists.test; dmarc=pass header.from=signed.test; arc=" + before + b"\r\n"
                data = result + data
                fields = dkim.arc_sign(data, b"rsa", DOMAIN.encode(), key, b"lists.test", include_headers=[b"from", b"subject", b"to"])
                data = b"".join(fields) + data.replace(result, b"")
            files[self.write(f"arc-{sample.name}", data)] = data
            _, other = corpus.tampered(data, number)
            files[self.write(f"arc-{sample.name}-changed", other)] = other
        mine = judges.ours(self.folder, self.dns, [judges.Case(str(path)) for path in files])
        perls = judges.perl("mail_dkim.pl", self.dns, [f"arc\t{path}" for path in files])
        wrong, passed = [], 0
        for (path, data), one, perl in zip(files.items(), mine, perls):
            ours, python = one["arc"]["result"] == "pass", dkim.arc_verify(data, dnsfunc=self.key_of)[0] == dkim.CV_Pass
            passed += ours
            if (python, perl == "pass") != (ours, ours) or (not ours and not path.name.endswith("changed")):
                wrong.append((path.name, ours, one["arc"]["words"], python, perl))
        self.assertFalse(wrong, "\n".join(map(str, wrong)))
        self.assertLess(passed, len(files))

    def key_of(self, name, timeout=5):
        found = self.keys.records.get(name.decode().rstrip("."))
        return found and found.encode()

    # --- where we are right and others are not -------------------------------------------------------

    def test_where_verdicts_differ(self):
        """What python3-dkim says, and we, and why."""
        whole = {"include_headers": [b"from", b"subject"]}
        letter = b"From: ann@signed.test\r\nSubject: pay\r\n\r\npay bob\r\n"
        key = self.keys.files["weak"].read_bytes()

        def signed(data, **options):
            return dkim.sign(data, b"weak", DOMAIN.encode(), key, **whole, **options) + data
        relaxed = (b"relaxed", b"relaxed")
        table = {
            # RFC 6376 section 8.2: what l= leaves out, anybody may have added.
            "l= and text added": (signed(letter, length=True) + b"pay eve\r\n", True, "policy"),
            # Section 8.15: only one of them was signed, and readers show the other.
            "a second Subject": (b"Subject: you have won\r\n" + signed(letter), True, "policy"),
            "a second From": (b"From: boss@signed.test\r\n" + signed(letter), False, "policy"),
            # Section 3.4.4: white space at the end of a line does not count, also where the line has no CRLF.
            "blanks where CRLF is missing": (signed(letter[:-2] + b" ", canonicalize=relaxed), True, "fail"),
            # Section 3.5: an i= beside d= is not to be believed.
            "i= of another domain": (signed(letter).replace(b" d=", b" i=@evil.test; d="), False, "neutral"),
        }
        files = [self.write(f"row{number}", row[0]) for number, row in enumerate(table.values())]
        mine = self.results(files)
        for (name, (data, theirs, ours)), path in zip(table.items(), files):
            with self.subTest(name):
                self.assertEqual(judges.python_verify(data, {n: r.encode() for n, r in self.keys.records.items()}), theirs)
                self.assertEqual(mine[str(path)]["result"], ours, mine[str(path)])


if __name__ == "__main__":
    unittest.main()
