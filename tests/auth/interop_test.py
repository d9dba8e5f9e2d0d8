"""src/mailauth against python3-dkim and python3-spf: what one signs, the other verifies, and both agree on SPF."""

import itertools
import pathlib
import random
import subprocess
import sys
import tempfile

import dkim
import spf

TOOL = sys.argv[1]
WORDS = ["alpha", "beta ", " gamma", "de\tlta", "  ", ".", "..", "épsilon", "", "x" * 200, "trailing \t", "From here"]
HEADERS = [b"Subject: hello\r\n", b"Subject:  two  spaces \r\n", b"subject: folded\r\n\tvalue\r\n  more\r\n", b"Subject:\r\n",
           b"Subject: =?utf-8?q?caf=C3=A9?=\r\n"]


def tool(*arguments, text=None):
    done = subprocess.run([TOOL, *map(str, arguments)], input=text, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise SystemExit(f"mailauth_tool {arguments[0]}: {done.stderr}")
    return done.stdout.splitlines()


def messages(count):
    """Mixed messages: bodies with blank lines, white space, and none at all. Each ends a line, as SMTP has it: of white
    space at the end of a body without a final CRLF, python3-dkim thinks differently."""
    dice = random.Random(7)
    for number in range(count):
        body = "\r\n".join(dice.choice(WORDS) for _ in range(dice.randrange(0, 40)))
        body += dice.choice(["\r\n", "\r\n\r\n\r\n", " \r\n"]) if body else ""
        yield (b"From: A <a@ours.test>\r\n" + dice.choice(HEADERS) + b"To: b@b.test\r\nDate: Mon, 23 Nov 2026 11:58:12 +0000\r\n"
               + dice.choice([b"", b"Cc: c@c.test,\r\n d@d.test\r\n", b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"])
               + b"Message-ID: <%d@ours.test>\r\n\r\n" % number + body.encode())


def txt(zone):
    """A function that python3-dkim asks for TXT records."""
    records = {}
    for line in zone.read_text().splitlines():
        name, _, rest = line.split(" ", 2)
        records[name] = rest.strip('"').encode()
    return lambda name, timeout=5: records.get(name.decode().rstrip("."))


def check(good, what):
    if not good:
        raise SystemExit("interop: " + what)


def ours_to_theirs(folder, files):
    tool("sign", folder, *files)
    ask = txt(folder / "zone")
    for file in files:
        message = pathlib.Path(f"{file}.signed").read_bytes()
        for index in range(2):
            check(dkim.DKIM(message).verify(idx=index, dnsfunc=ask), f"python3-dkim refuses signature {index} of {file}.signed")
        sealed = pathlib.Path(f"{file}.sealed").read_bytes()
        result, _, why = dkim.arc_verify(sealed, dnsfunc=ask)
        check(result == b"pass", f"python3-dkim refuses the ARC set of {file}.sealed: {why}")
    print(f"{len(files)} messages signed by us verified by python3-dkim, DKIM and ARC")


def theirs_to_ours(folder, files):
    rsa = (folder / "rsa.pem").read_bytes()
    lines = (folder / "ed25519.pem").read_text().splitlines()
    # The raw key is the last 32 octets of its PKCS 8 form.
    import base64
    ed25519 = base64.b64encode(base64.b64decode("".join(lines[1:-1]))[-32:])
    forms = itertools.cycle(itertools.product([b"simple", b"relaxed"], repeat=2))
    signed, changed = [], []
    for number, file in enumerate(files):
        message = file.read_bytes()
        form = next(forms)
        kind = (rsa, b"rsa", b"rsa-sha256") if number % 3 else (ed25519, b"ed25519", b"ed25519-sha256")
        field = dkim.sign(message, kind[1], b"ours.test", kind[0], canonicalize=form, signature_algorithm=kind[2])
        check(dkim.verify(field + message, dnsfunc=txt(folder / "zone")), "python3-dkim does not verify its own")
        sealed = dkim.arc_sign(field + b"Authentication-Results: ours.test; spf=pass smtp.mailfrom=a@ours.test\r\n" + message,
                               b"rsa", b"ours.test", rsa, b"ours.test", timestamp="12345")
        whole = b"".join(sealed) + field + message
        target = folder / f"{number}.theirs"
        target.write_bytes(whole)
        signed.append(target)
        target = folder / f"{number}.changed"
        target.write_bytes(whole + b"more\r\n")
        changed.append(target)
    for file, line in zip(signed, tool("verify", folder / "zone", *signed)):
        check(line == "pass arc=pass", f"we say '{line}' of {file}: {file.read_bytes()!r}")
    for file, line in zip(changed, tool("verify", folder / "zone", *changed)):
        check(line == "fail arc=fail", f"we say '{line}' of {file}, which was changed")
    print(f"{len(files)} messages signed by python3-dkim verified by us, DKIM and ARC")


SPF_ZONE = {
    "a.test": {"TXT": ["v=spf1 a mx/24 include:b.test ?exists:%{ir}.%{l}.x.test -all"], "A": ["192.0.2.1"],
               "MX": [(10, "mx.a.test"), (20, "mx2.a.test")]},
    "mx.a.test": {"A": ["198.51.100.7"]},
    "mx2.a.test": {"A": ["203.0.113.9"], "AAAA": ["2001:db8::9"]},
    "b.test": {"TXT": ["v=spf1 ip4:10.1.0.0/16 ip6:2001:db8:1::/48 ~all"]},
    "c.test": {"TXT": ["v=spf1 redirect=b.test"]},
    "d.test": {"TXT": ["v=spf1 include:nothing.test -all"]},
    "e.test": {"TXT": ["v=spf1 ip4:10.0.0.0/33 -all"]},
    "f.test": {"TXT": ["v=spf1 -all", "v=spf1 +all"]},
    "g.test": {"TXT": ["v=spf1 include:g.test -all"]},
    "h.test": {"TXT": ["v=spf1 a:%{l1r-}.a.test a:%{d2}.x.test a:%{o1}.y.test -all"]},
    "i.test": {"TXT": ["v=spf1 ?all"]},
    "j.test": {"TXT": ["v=spf1 exists:%{h}.j.test -all"]},
    "client.test.j.test": {"A": ["127.0.0.2"]},
    "4.3.2.10.joe.x.test": {"A": ["127.0.0.2"]},
}


def same_spf(folder):
    lines = []
    for name, types in SPF_ZONE.items():
        for kind, values in types.items():
            for value in values:
                text = f'"{value}"' if kind == "TXT" else f"{value[0]} {value[1]}" if kind == "MX" else value
                lines.append(f"{name} {kind} {text}")
    (folder / "spf.zone").write_text("\n".join(lines) + "\n")

    def look_up(name, kind, strict=True, timeout=None):
        values = SPF_ZONE.get(name.rstrip(".").lower(), {}).get(kind, [])
        return [((name, kind), [value.encode()] if kind == "TXT" else value) for value in values]

    spf.DNSLookup = look_up
    addresses = ["192.0.2.1", "198.51.100.99", "203.0.113.9", "10.1.2.3", "10.2.3.4", "2001:db8::9", "2001:db8:1::5"]
    questions = [(ip, "client.test", local, domain) for ip in addresses for local in ["joe", "x-mx"]
                 for domain in [name for name in SPF_ZONE if len(name) == 6] + ["nowhere.test"]]
    ours = tool("spf", folder / "spf.zone", text="".join(" ".join(q) + "\n" for q in questions))
    for (ip, helo, local, domain), result in zip(questions, ours):
        theirs = spf.check2(i=ip, s=f"{local}@{domain}", h=helo)[0]
        check(result == theirs, f"SPF of {local}@{domain} from {ip}: we say {result}, python3-spf {theirs}")
    print(f"{len(questions)} SPF questions answered alike by us and python3-spf")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        tool("keys", folder)
        files = []
        for number, message in enumerate(messages(120)):
            files.append(folder / f"{number}.eml")
            files[-1].write_bytes(message)
        ours_to_theirs(folder, files)
        theirs_to_ours(folder, files)
        same_spf(folder)


main()
