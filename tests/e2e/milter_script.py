"""A milter on libmilter for filter_test.py: notes every callback in a file, and does what words in the Subject or in
addresses tell it. Arguments: the socket, the file."""

import sys
import threading

import Milter

SOCKET, SEEN = sys.argv[1], sys.argv[2]
lock = threading.Lock()


class Script(Milter.Base):
    def __init__(self):
        self.subject, self.body_size = "", 0

    def note(self, *words):
        with lock, open(SEEN, "a", encoding="utf-8", errors="replace") as seen:
            seen.write(" ".join(str(word) for word in words) + "\n")

    def connect(self, name, family, address):
        self.note("connect", name, address[0] if address else "-", self.getsymval("j"), self.getsymval("{daemon_name}"))
        return Milter.CONTINUE

    def hello(self, name):
        self.note("helo", name)
        if "badhelo" in name:
            self.setreply("550", "5.7.1", "not with that name")
            return Milter.REJECT
        return Milter.CONTINUE

    def envfrom(self, address, *parameters):
        self.subject, self.body_size = "", 0
        self.note("mail", address, *parameters, self.getsymval("{auth_authen}") or "-")
        if "badsender" in address:
            self.setreply("554", "5.7.1", "no mail", "from there")
            return Milter.REJECT
        return Milter.CONTINUE

    def envrcpt(self, address, *parameters):
        self.note("rcpt", address)
        return Milter.REJECT if "bob" in address and "refusebob" in SEEN else Milter.CONTINUE

    def data(self):
        self.note("data", len(self.getsymval("i") or ""))
        return Milter.CONTINUE

    def header(self, name, value):
        if name.lower() == "subject":
            self.subject = value
        self.note("header", name, repr(value))
        return Milter.REJECT if "badheader" in value else Milter.CONTINUE

    def eoh(self):
        self.note("eoh")
        return Milter.CONTINUE

    def body(self, chunk):
        self.body_size += len(chunk)
        return Milter.SKIP if "skipword" in self.subject else Milter.CONTINUE

    def eom(self):
        self.note("eom", self.body_size)
        if "headers" in self.subject:
            self.addheader("X-Added", "one\n\ttwo")
            self.addheader("X-First", "top", 0)
            self.chgheader("X-Old", 1, "")
            self.chgheader("X-Old", 2, "changed")
        if "bodyword" in self.subject:
            for number in range(50):
                self.replacebody(f"line {number} of another body\r\n" * 100)
        if "bareword" in self.subject:
            self.replacebody("one\ntwo\rthree\r")
            self.replacebody("\nfour")
        if "addrcpt" in self.subject:
            self.addrcpt("<bob@example.test>")
        if "delrcpt" in self.subject:
            self.delrcpt("<alice@example.test>")
        if "chgfrom" in self.subject:
            self.chgfrom("<other@y.test>")
        if "quarantine" in self.subject:
            self.quarantine("smells of fish")
        if "progress" in self.subject:
            self.progress()
        answers = {"discard": Milter.DISCARD, "rejectword": Milter.REJECT, "tempfail": Milter.TEMPFAIL}
        return next((answer for word, answer in answers.items() if word in self.subject), Milter.ACCEPT)

    def abort(self):
        self.note("abort")
        return Milter.CONTINUE

    def close(self):
        self.note("close")
        return Milter.CONTINUE


Milter.factory = Script
Milter.set_flags(Milter.ADDHDRS + Milter.CHGHDRS + Milter.CHGBODY + Milter.ADDRCPT + Milter.DELRCPT + Milter.CHGFROM +
                 Milter.QUARANTINE)
Milter.runmilter("paquebot-test", SOCKET, 30)
