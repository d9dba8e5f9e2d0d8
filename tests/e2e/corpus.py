"""Mixed messages for tests of signatures: the same ones for the same seed. Every one ends its lines with CRLF.

    for sample in messages(seed=1, count=200, author="ann@signed.test"): sample.name, sample.head, sample.body, sample.data
    tampered(sample.data, number)     # with one place changed
"""

import dataclasses
import random

WORDS = ("mail", "ship", "packet", "harbour", "north", "wind", "a", "of", "the", "letter;", "x=1", "b=", "=3D", "50%", "\"so\"", "(it)", "=?utf-8?q?gr=C3=BC=C3=9Fe?=")
WIDE = ("grüße", "żółw", "почта", "手紙", "ñandú", "\u200bzero", "e\u0301")


@dataclasses.dataclass
class Sample:
    name: str
    head: list     # of whole fields, each ending in CRLF
    body: bytes

    @property
    def data(self):
        return b"".join(self.head) + b"\r\n" + self.body


def words(rng, least, most, wide=False):
    pool = WORDS + WIDE if wide else WORDS
    return [rng.choice(pool) for _ in range(rng.randint(least, most))]


def folded(rng, parts):
    """Words with blanks of many kinds between, now and then folded."""
    gaps = [" "] * 8 + ["  ", "\t", " \t ", "\r\n ", "\r\n\t", " \r\n  ", "\t\r\n\t "]
    text = parts[0]
    for part in parts[1:]:
        text += rng.choice(gaps) + part
    return text + rng.choice(["", "", "", " ", "\t", "  \t"])


def field(rng, name, value):
    odd = rng.random()
    name = name.upper() if odd < 0.1 else name.lower() if odd < 0.2 else name.swapcase() if odd < 0.25 else name
    return (name + ":" + rng.choice([" ", " ", " ", "", "  ", "\t", "\r\n "]) + value + "\r\n").encode()


def head_of(rng, author, wide, many):
    """Fields in any order, some missing, some that may come twice."""
    who = rng.choice([author, f"<{author}>", f"Ann <{author}>", f'"Ann, (of) Signed" <{author}>', f"{author} (Ann)", f"=?utf-8?q?=C3=84nn?=\r\n <{author}>"])
    fields = [("From", who), ("To", "bob@peer.test"), ("Subject", folded(rng, words(rng, 1, 30, wide)))]
    for name, value, chance in (
            ("Date", "Mon, 23 Nov 2026 12:00:00 +0000", 0.9), ("Message-ID", f"<{rng.getrandbits(60):x}@signed.test>", 0.9),
            ("Cc", "carol@peer.test,\r\n\tdave@peer.test", 0.3), ("Reply-To", author, 0.2), ("MIME-Version", "1.0 (made by hand)", 0.4),
            ("Content-Type", 'multipart/mixed;\r\n boundary="=_b 1"' if rng.random() < 0.3 else "text/plain; charset=utf-8", 0.5),
            ("References", folded(rng, [f"<{i}@a.test>" for i in range(rng.randint(1, 12))]), 0.3),
            ("X-Long", "x" * rng.choice([70, 200, 900]), 0.2), ("X-Empty", "", 0.2), ("X-Tabs", "\ta\t\tb\t", 0.2)):
        if rng.random() < chance:
            fields.append((name, value))
    fields += [("X-Again", str(number)) for number in range(rng.choice([0, 0, 2, 3]))]
    fields += [(f"X-Number-{number}", folded(rng, words(rng, 1, 6))) for number in range(200 if many else rng.randint(0, 4))]
    rng.shuffle(fields)
    return [field(rng, name, value) for name, value in fields]


def body_of(rng, number, wide):
    """Bodies of all kinds that canonicalization treats apart."""
    kinds = (b"", b"\r\n", b"\r\n\r\n\r\n", b"no line end", b" \r\n\t\r\n", b".\r\n..\r\n.a\r\n", b"From the start\r\n>From there\r\n",
             b"text\r\n\r\n\r\n\r\n", b"text \t\r\n \r\n", b"a  b\t\tc \t d\r\n", b"x" * 990 + b"\r\n", b"ends in blanks   ", b"ends in CRLF CRLF\r\n \r\n\r\n")
    if number % 3 == 0:
        return kinds[number // 3 % len(kinds)]
    lines = [folded(rng, words(rng, 1, 12, wide)).replace("\r\n", "") + rng.choice(["", " ", "\t ", "  "]) for _ in range(rng.choice([1, 3, 20, 300 if number % 20 == 1 else 5]))]
    if number % 5 == 1:
        lines = ["--=_b 1", "Content-Type: text/plain", "", *lines, "--=_b 1", "Content-Type: application/octet-stream", "Content-Transfer-Encoding: base64", "", "AAECAwQ=", "--=_b 1--"]
    return ("\r\n".join(lines) + "\r\n" * rng.choice([0, 1, 1, 1, 2, 5])).encode()


def messages(seed, count, author="ann@signed.test", wide=True):
    """`wide`: some with octets beyond ASCII in head and body. Every body that is not empty ends in CRLF, as over SMTP."""
    for number in range(count):
        rng = random.Random(seed * 100_003 + number)
        beyond = wide and number % 4 == 2
        head, body = head_of(rng, author, beyond, number % 40 == 7), body_of(rng, number, beyond)
        yield Sample(f"m{number:03}", head, body if not body or body.endswith(b"\r\n") else body + b"\r\n")


def tampered(data, number):
    """The message with one place changed, and what it is called. What follows the signature's own field is touched only."""
    head, _, body = data.partition(b"\r\n\r\n")
    rng = random.Random(number)
    # The signature stands in front: fields of its kind are left alone.
    subject = head.lower().rfind(b"\nsubject:")
    change = ("letter", "line", "field", "name", "blank at a line's end", "blanks in a field", "an empty line at the end", "order")[number % 8]
    if change == "letter" and body.strip():
        at = rng.choice([i for i, c in enumerate(body) if c > 32])
        return change, head + b"\r\n\r\n" + body[:at] + bytes([body[at] ^ 1 if 48 < body[at] < 126 else 65]) + body[at + 1:]
    if change == "blank at a line's end" and body.rstrip(b"\r\n"):
        return change, head + b"\r\n\r\n" + body.rstrip(b"\r\n") + b" \r\n"
    if change == "an empty line at the end" and body.endswith(b"\r\n"):
        return change, data + b"\r\n"
    if change == "name":
        return change, head[:subject + 1] + b"sUbJeCt" + head[subject + 8:] + b"\r\n\r\n" + body
    if change == "blanks in a field":
        return change, head[:subject + 9] + b"  \t" + head[subject + 9:] + b"\r\n\r\n" + body
    if change == "order":
        return change, head + b"\r\nX-Trailer: added\r\n\r\n" + body
    if change == "field":
        return change, head[:subject + 9] + b" [list]" + head[subject + 9:] + b"\r\n\r\n" + body
    return "line", data + (b"" if data.endswith(b"\r\n") else b"\r\n") + b"PS: send money\r\n"
