// What npm's imapflow does in a mailbox, for tests/e2e/imap_clients_test.py: one line of JSON.
//   node imap_client.mjs MODULE PORT CA LOGIN < password
// Lists, makes, renames and deletes mailboxes; selects, searches, fetches, flags, moves and deletes messages; hears of new mail in IDLE
// (prints "idle" when it waits).
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , module, port, ca, user] = process.argv;
const { ImapFlow } = await import(pathToFileURL(path.join(module, "dist/esm/imap-flow.js")));
const client = new ImapFlow({
  host: "localhost", port: Number(port), secure: true, logger: false,
  auth: { user, pass: fs.readFileSync(0, "utf8").trim() }, tls: { ca: fs.readFileSync(ca) },
});
await client.connect();
const told = {};
const boxes = await client.list();
told.boxes = Object.fromEntries(boxes.map((one) => [one.path, one.specialUse || ""]));
await client.mailboxCreate("Flow/Ä");
await client.mailboxRename("Flow/Ä", "Flow/Ö");
told.made = (await client.list()).some((one) => one.path === "Flow/Ö");
await client.mailboxDelete("Flow/Ö");
await client.mailboxOpen("INBOX");
told.exists = client.mailbox.exists;
told.found = await client.search({ header: { subject: "two" } }, { uid: true });
told.subjects = [];
for await (const one of client.fetch("1:*", { envelope: true, flags: true, bodyStructure: true, source: true }))
  told.subjects.push([one.envelope.subject, one.bodyStructure.type, one.source.toString().includes(`the text of ${one.envelope.subject}`)]);
told.flagged = await client.messageFlagsAdd({ subject: "one" }, ["\\Flagged", "$Label1"]);
const moved = await client.messageMove(told.found, "Archive", { uid: true });
told.moved = [...moved.uidMap.keys()];
told.deleted = await client.messageDelete({ subject: "three" });
told.status = await client.status("Archive", { messages: true, uidNext: true, highestModseq: true });
told.status = Number(told.status.messages);
const more = new Promise((done) => client.on("exists", (event) => done(event.count)));
const waiting = client.idle();
console.log("idle");
told.more = await more;
told.appended = Boolean(await client.append("Archive", "Subject: from here\r\n\r\nx\r\n", ["\\Seen"]));
await waiting;
const { content } = await client.download("1", undefined);
let octets = 0;
for await (const piece of content) octets += piece.length;
told.octets = octets > 0;
await client.logout();
console.log(JSON.stringify(told));
