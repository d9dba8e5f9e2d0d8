"""Thunderbird finds its servers by address and password only, then sends and receives (docs/client-setup.md).

Both run in a network of their own where the server's names lead to its usual ports; the authority of its certificate is made
known by policies.json. Large: `make test-programs` unpacks it.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from server import SECRET, Server, wait_until
from thunderbird import Namespace, Thunderbird, can_run

ANN, BOB = "ann@example.test", "bob@example.test"
NAMES = ["mx.example.test", "autoconfig.example.test", "example.test", "mta-sts.example.test"]
LISTENERS = {
    "mx": {"role": "mx", "tls": "starttls", "address": "127.0.0.1:25"},
    "submission": {"role": "submission", "tls": "starttls", "address": "127.0.0.1:587"},
    "submissions": {"role": "submission", "tls": "implicit", "address": "127.0.0.1:465"},
    "pop3": {"role": "pop3", "tls": "starttls", "address": "127.0.0.1:110"},
    "pop3s": {"role": "pop3", "tls": "implicit", "address": "127.0.0.1:995"},
    "imap": {"role": "imap", "tls": "starttls", "address": "127.0.0.1:143"},
    "imaps": {"role": "imap", "tls": "implicit", "address": "127.0.0.1:993"},
    "https": {"role": "http", "tls": "implicit", "address": "127.0.0.1:443"},
}

# What a person does in the dialogue for new accounts: each step is done when its view is there.
SET_UP = """
const [address, password] = args;
const window = Services.wm.getMostRecentWindow("mail:3pane");
const sleep = () => new Promise(done => window.setTimeout(done, 50));
const dialogue = () => window.document.querySelector("account-hub-container")?.shadowRoot;
async function until(look, what) {
  for (let turns = 0; turns < 1200; ++turns) {
    const found = look();
    if (found) return found;
    await sleep();
  }
  throw new Error("waited in vain for " + what + ": " + (dialogue()?.querySelector("dialog").innerText || "no dialogue"));
}
await until(() => typeof window.openAccountHub == "function", "the window");
await window.openAccountHub("MAIL");
const $ = selector => dialogue()?.querySelector(selector);
const shown = selector => { const found = $(selector); return found && !found.hidden ? found : null; };
const type = (input, text) => {
  input.value = text;
  input.dispatchEvent(new window.Event("input", {bubbles: true}));
};
const forward = async () => {
  const button = await until(() => { const b = $("account-hub-footer #forward"); return b && !b.disabled && !b.hidden ? b : null; },
                             "the button");
  button.click();
};
const form = await until(() => shown("#emailAutoConfigSubview"), "the first form");
type(await until(() => form.querySelector("#realName"), "the name"), "Ann");
type(form.querySelector("#email"), address);
await forward();
const found = await until(() => shown("#emailConfigFoundSubview"), "what it finds");
const text = {};
for (const name of ["incomingType", "incomingHost", "incomingPort", "outgoingHost", "outgoingPort"])
  text[name] = found.querySelector("#" + name)?.textContent.trim();
await forward();
const secret = await until(() => shown("#emailPasswordSubview"), "the form for the password");
type(await until(() => secret.querySelector("input[type=password]"), "the password"), password);
await forward();
await until(() => shown("#emailAddedSuccessSubview") || shown("#emailSyncAccountsSubview"), "the success");
return text;
"""

ACCOUNT = """
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const server = MailServices.accounts.allServers.find(one => one.type == "imap");
const outgoing = MailServices.outgoingServer.servers[0].QueryInterface(Ci.nsISmtpServer);
return {incoming: [server.hostname ?? server.hostName, server.port, server.socketType, server.username],
        outgoing: [outgoing.hostname, outgoing.port, outgoing.socketType, outgoing.username]};
"""

SEND = """
const [from, to, subject, folder] = args;
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const identity = MailServices.accounts.allIdentities.find(one => one.email == from);
identity.doFcc = false; // no copy is kept
const account = MailServices.accounts.accounts.find(one => one.identities.includes(identity));
const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
Object.assign(fields, {from, to, subject});
const path = PathUtils.join(folder, "letter.eml");
await IOUtils.writeUTF8(path, `From: ${from}\\r\\nTo: ${to}\\r\\nSubject: ${subject}\\r\\n\\r\\nIt works.\\r\\n`);
const file = await IOUtils.getFile(path);
const send = Cc["@mozilla.org/messengercompose/send;1"].createInstance(Ci.nsIMsgSend);
await new Promise((resolve, reject) => {
  const listener = {
    QueryInterface: ChromeUtils.generateQI(["nsIMsgSendListener"]),
    onStartSending() {}, onSendProgress() {}, onStatus() {}, onGetDraftFolderURI() {}, onSendNotPerformed() {},
    onTransportSecurityError(_, status) { reject(new Error("not trusted: " + status.toString(16))); },
    onStopSending(_, status) {
      Components.isSuccessCode(status) ? resolve() : reject(new Error("not sent: " + status.toString(16)));
    },
  };
  send.sendMessageFile(identity, account.key, fields, file, false, false, Ci.nsIMsgSend.nsMsgDeliverNow, null, listener, "")
    .catch(reject);
});
"""

# What all scripts of an IMAP account need: its server, and operations on folders that end when the program says so.
IMAP = """
const {MailServices} = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const window = Services.wm.getMostRecentWindow("mail:3pane");
const sleep = () => new Promise(done => window.setTimeout(done, 50));
async function until(look, what) {
  for (let turns = 0; turns < 1200; ++turns) {
    const found = look();
    if (found) return found;
    await sleep();
  }
  throw new Error("waited in vain for " + what);
}
const server = MailServices.accounts.allServers.find(one => one.type == "imap");
const ended = begin => new Promise((resolve, reject) => begin({
  QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
  OnStartRunningUrl() {},
  OnStopRunningUrl(_, status) {
    Components.isSuccessCode(status) ? resolve() : reject(new Error("not done: " + status.toString(16)));
  },
}));
const folder = name => server.rootFolder.descendants.find(one => one.name == name);
const update = one => ended(listener => one.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, listener));
const subjects = one => [...one.messages].map(message => message.mime2DecodedSubject);
const inbox = await until(() => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox), "the inbox");
"""

FETCH = IMAP + """
await update(inbox);
return subjects(inbox);
"""

MAKE_FOLDERS = IMAP + """
for (const name of args) {
  server.rootFolder.createSubfolder(name, null);
  await until(() => folder(name), "the folder " + name);
}
"""

# To a folder by name.
MOVE = IMAP + """
const [subject, from, to] = args;
const source = folder(from) ?? inbox;
const message = [...source.messages].find(one => one.mime2DecodedSubject == subject);
MailServices.copy.copyMessages(source, [message], folder(to), true, null, null, false);
await until(() => !subjects(source).includes(subject), "its end there");
folder(to).updateFolder(null);
await until(() => subjects(folder(to)).includes(subject), "its arrival");
return [subjects(source), subjects(folder(to))];
"""

# By the server: the texts are not on this machine.
SEARCH = IMAP + """
const [text] = args;
const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, inbox);
const term = session.createTerm();
term.attrib = Ci.nsMsgSearchAttrib.Body;
term.op = Ci.nsMsgSearchOp.Contains;
const value = term.value;
value.attrib = term.attrib;
value.str = text;
term.value = value;
session.appendTerm(term);
const hits = [];
await new Promise((resolve, reject) => {
  session.registerListener({
    QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
    onSearchHit(message) { hits.push(message.mime2DecodedSubject); },
    onSearchDone(status) { Components.isSuccessCode(status) ? resolve() : reject(new Error("not searched: " + status.toString(16))); },
    onNewSearch() {},
  }, Ci.nsIMsgSearchSession.allNotifications);
  session.search(null);
});
return hits;
"""

DELETE = IMAP + """
const [subject] = args;
const message = [...inbox.messages].find(one => one.mime2DecodedSubject == subject);
inbox.deleteMessages([message], null, false, true, null, false);
await until(() => !subjects(inbox).includes(subject), "the deletion");
"""

RENAME = IMAP + """
const [from, to] = args;
folder(from).rename(to, null);
await until(() => folder(to) && !folder(from), "the new name");
"""

DELETE_FOLDER = IMAP + """
const [name] = args;
const gone = folder(name);
const trash = server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Trash);
MailServices.copy.copyFolder(gone, trash, true, null, null); // what its Delete does after the question
await until(() => !server.rootFolder.subFolders.some(one => one.name == name), "the end of the folder");
"""

# What is told by the server while the program waits in IDLE; it asks for nothing itself.
HEAR = IMAP + """
const [subject, flag] = args;
const message = () => [...inbox.messages].find(one => one.mime2DecodedSubject == subject);
await until(() => flag == "gone" ? !message() : message() && (!flag || message()[flag]), subject + " " + flag);
"""

MARK = IMAP + """
const [subject] = args;
inbox.markMessagesFlagged([[...inbox.messages].find(one => one.mime2DecodedSubject == subject)], true);
"""


def make_authority(folder):
    """A root and a certificate of the server's names, as files: ca.pem, cert.pem, key.pem."""
    def openssl(*words):
        subprocess.run(["openssl", *map(str, words)], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/CN=Authority of a test", "-keyout", "ca.key", "-out", "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={NAMES[0]}", "-keyout",
            "key.pem", "-out", "request.pem")
    (folder / "extensions").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in NAMES) +
                                       "\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "10",
            "-extfile", "extensions", "-out", "cert.pem")


# Another client of the same account, in the network of both: a line in, a line out.
OTHER = """
import imaplib, re, ssl, sys
client = imaplib.IMAP4_SSL("127.0.0.1", 993, ssl_context=ssl._create_unverified_context(), timeout=60)
client.login(sys.argv[1], sys.argv[2])
def good(answer):
    assert answer[0] == "OK", answer
    return answer[1]
def message(subject):
    good(client.select("INBOX"))
    return good(client.search(None, "SUBJECT", f'"{subject}"'))[0].split()[-1].decode()
def subjects(box):
    good(client.select(f'"{box}"', readonly=True))
    found = good(client.fetch("1:*", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))
    return " ".join(re.search(rb"Subject: (.*?)\\r", one[1])[1].decode() for one in found if isinstance(one, tuple))
for line in sys.stdin:
    verb, *words = line.split()
    if verb == "append":
        text = f"From: bob@example.test\\r\\nSubject: {words[0]}\\r\\nMessage-ID: <{words[0]}@example.test>\\r\\n\\r\\n{' '.join(words[1:])}\\r\\n"
        said = good(client.append("INBOX", None, None, text.encode()))[0]
    elif verb == "list":
        said = b" ".join(line.split(b'"/" ')[1] for line in good(client.list()))
    elif verb == "subjects":
        said = subjects(words[0])
    elif verb == "flags":
        said = good(client.fetch(message(words[0]), "(FLAGS)"))[0]
    elif verb == "flag":
        said = good(client.store(message(words[0]), "+FLAGS", words[1]))[0]
    elif verb == "delete":
        good(client.store(message(words[0]), "+FLAGS", r"\\Deleted"))
        said = good(client.expunge())[0]
    print(said.decode() if isinstance(said, bytes) else said, flush=True)
"""


class Other:
    def __init__(self, test, inside):
        self.process = subprocess.Popen([*inside.command, "/usr/bin/python3", "-c", OTHER, ANN, SECRET], text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        test.addCleanup(self.close)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def until(self, line, wanted):
        wait_until(lambda: wanted in self.ask(line), f"{line}: {wanted}", 60, 0.2)

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


class ThunderbirdTest(unittest.TestCase):
    def setUp(self):
        if not can_run():
            if os.environ.get("PROGRAMS_ALL"):
                self.fail("Thunderbird can't run here: it needs root, namespaces, and tools/peers thunderbird xvfb")
            self.skipTest("Thunderbird is large: make test-programs has it")

    def programs(self):
        """A server and Thunderbird, in one network."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        make_authority(folder)
        policies = {"policies": {"Certificates": {"Install": [str(folder / "ca.pem")]}, "DisableTelemetry": True,
                                 "DisableAppUpdate": True}}
        inside = self.enterContext(Namespace(folder, {
            "hosts": f"127.0.0.1 localhost {' '.join(NAMES)}\n", "resolv.conf": "nameserver 127.0.0.1\n",
            "thunderbird/policies/policies.json": json.dumps(policies)}))
        server = self.enterContext(contextlib.closing(Server(
            accounts={ANN: SECRET, BOB: SECRET}, listeners=LISTENERS, tls={"certificate": folder / "cert.pem",
                                                                        "key": folder / "key.pem"})))
        server.prepare()
        server.start(command=inside.command)
        return folder, server, inside

    def test_an_account_found_by_address_and_password(self):
        folder, server, inside = self.programs()
        with Thunderbird(folder, inside.command) as program:
            found = program.run(SET_UP, ANN, SECRET)
            self.assertIn("mx.example.test", found["incomingHost"] + found["outgoingHost"])
            self.assertEqual(program.run(ACCOUNT), {"incoming": ["mx.example.test", 993, 3, ANN],
                                                    "outgoing": ["mx.example.test", 465, 3, ANN]})
            program.run(SEND, ANN, BOB, "from Thunderbird", str(folder))
            wait_until(lambda: json.loads(server.must("account", "show", BOB, "--json"))["messages"] == 1, "the mail for Bob", 60)
            program.run(SEND, ANN, ANN, "to herself", str(folder))
            wait_until(lambda: json.loads(server.must("account", "show", ANN, "--json"))["messages"] == 1, "the mail for Ann", 60)
            self.assertEqual(program.run(FETCH), ["to herself"])

    def test_folders_and_another_client_at_once(self):
        folder, server, inside = self.programs()
        other = Other(self, inside)
        with Thunderbird(folder, inside.command) as program:
            program.run(SET_UP, ANN, SECRET)
            for subject, text in (("one", "a needle"), ("two", "hay"), ("three", "hay and a needle")):
                other.ask(f"append {subject} {text}")
            self.assertEqual(sorted(program.run(FETCH)), ["one", "three", "two"])
            # Folders are made, messages moved, searched and deleted, a folder renamed and deleted; the server has it so.
            program.run(MAKE_FOLDERS, "Work", "Überlegungen")
            self.assertIn("Work", other.ask("list"))
            self.assertIn("&ANw-berlegungen", other.ask("list"))
            self.assertEqual(program.run(MOVE, "two", "Inbox", "Work"), [["one", "three"], ["two"]])
            self.assertEqual(other.ask("subjects Work"), "two")
            self.assertEqual(sorted(program.run(SEARCH, "needle")), ["one", "three"])
            program.run(DELETE, "three")
            other.until("subjects INBOX", "one")
            other.until("subjects Trash", "three")
            program.run(RENAME, "Work", "Done")
            other.until("subjects Done", "two")
            program.run(DELETE_FOLDER, "Done")
            wait_until(lambda: "Done" not in other.ask("list").replace("Trash/Done", ""), "the folder to go", 60)
            # Both at once: what one does the other hears, without asking.
            other.ask("append four from the other one")
            program.run(HEAR, "four", "")
            other.ask(r"flag four \Seen")
            program.run(HEAR, "four", "isRead")
            program.run(MARK, "one")
            other.until("flags one", "\\Flagged")
            other.ask("delete four")
            program.run(HEAR, "four", "gone")


if __name__ == "__main__":
    unittest.main()
