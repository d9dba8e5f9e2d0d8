// npm's client of Mailpit's API judges `paquebot sink`: every call of it that a sink answers is made, and what comes is compared.
//   node judge_mailpit.js FOLDER HTTP SMTP      FOLDER: of node_modules; HTTP, SMTP: "127.0.0.1:8025"
'use strict';
const assert = require('node:assert/strict');
const [, , folder, http, smtp] = process.argv;
const { MailpitClient } = require(`${folder}/mailpit-api`);
const nodemailer = require(`${folder}/nodemailer`);

const all = new MailpitClient(`http://${http}`);
const shop = new MailpitClient(`http://${http}/inbox/shop`);

function send(login, more) {
  const transport = nodemailer.createTransport(`smtp://${login}:any@${smtp}/?tls.rejectUnauthorized=false`);
  return transport.sendMail({ from: 'Ann <ann@example.org>', to: 'Bob <bob@example.net>', subject: 'Hello', text: 'A text', ...more });
}

async function messages() {
  await send('shop', { subject: 'One', html: '<p>Hi <img src="cid:logo"></p>', replyTo: 'desk@example.org', bcc: 'blind@example.net',
    attachments: [{ filename: 'a.txt', content: 'attached' }, { filename: 'l.png', content: Buffer.from('89504e47', 'hex'), cid: 'logo' }] });
  await send('other', { subject: 'Two' });
  const list = await all.listMessages();
  assert.deepEqual(list.messages.map((one) => one.Subject), ['Two', 'One']);
  assert.deepEqual([list.total, list.unread, list.count, list.messages_count, list.messages_unread, list.start], [2, 2, 2, 2, 2, 0]);
  assert.equal((await all.listMessages(1, 1)).messages[0].Subject, 'One');
  const row = (await shop.listMessages()).messages[0];
  assert.equal(row.Read, false);
  assert.equal(row.Attachments, 1);
  assert.equal(row.Snippet, 'A text');
  assert.equal(row.Username, 'shop');
  assert.ok(!Number.isNaN(Date.parse(row.Created)));
  const whole = await shop.getMessageSummary();
  assert.equal(whole.ID, row.ID);
  assert.deepEqual(whole.From, { Name: 'Ann', Address: 'ann@example.org' });
  assert.deepEqual(whole.To, [{ Name: 'Bob', Address: 'bob@example.net' }]);
  assert.deepEqual(whole.ReplyTo.map((one) => one.Address), ['desk@example.org']);
  assert.deepEqual(whole.Bcc.map((one) => one.Address), ['blind@example.net']);
  assert.equal(whole.Text.trim(), 'A text');
  assert.match(whole.HTML, /<p>Hi/);
  assert.deepEqual(whole.ListUnsubscribe, { Header: '', HeaderPost: '', Links: [], Errors: '' });
  assert.ok(!Number.isNaN(Date.parse(whole.Date)));
  const [attached] = whole.Attachments;
  assert.equal(attached.FileName, 'a.txt');
  const crypto = require('node:crypto');
  for (const [name, kind] of [['MD5', 'md5'], ['SHA1', 'sha1'], ['SHA256', 'sha256']])
    assert.equal(attached.Checksums[name], crypto.createHash(kind).update('attached').digest('hex'));
  assert.equal(await (await shop.getMessageAttachment('latest', attached.PartID)).text(), 'attached');
  const picture = await shop.getMessageAttachment(whole.ID, whole.Inline[0].PartID);
  assert.equal(picture.type, 'image/png');
  assert.equal((await all.getMessageHeaders(whole.ID)).Subject[0], 'One');
  assert.match(await shop.getMessageSource(), /^Reply-To: desk@example.org\r$/m);
  assert.match(await shop.renderMessageHTML(), new RegExp(`/message/${whole.ID}/part/`));
  assert.equal((await shop.renderMessageText(whole.ID)).trim(), 'A text');
  return whole.ID;
}

async function states(id) {
  assert.equal((await all.searchMessages({ query: 'is:read' })).messages_count, 1);
  assert.equal(await all.setReadStatus(), 'ok');
  assert.equal((await all.listMessages()).unread, 2);
  await all.setReadStatus({ Search: 'subject:two', Read: true });
  await all.setReadStatus({ IDs: [id], Read: true });
  assert.equal((await all.searchMessages({ query: 'is:unread', start: 0, limit: 10 })).messages_count, 0);
  assert.equal(await all.setTags({ IDs: [id], Tags: ['Tag 1', 'x'] }), 'ok');
  assert.deepEqual(await all.getTags(), ['Tag 1', 'x']);
  await all.renameTag('Tag 1', 'Tag/2');
  assert.deepEqual(await all.getTags(), ['Tag2', 'x']);
  await all.deleteTag('x');
  assert.deepEqual((await shop.listMessages()).tags, ['Tag2']);
  await all.setTags({ IDs: [id], Tags: [] });
  assert.deepEqual(await all.getTags(), []);
}

async function waitsAndSends() {
  const waiting = all.waitForMessage({ query: 'subject:"by the API"' }, { timeout: 30000, interval: 50 });
  const sent = await all.sendMessage({ From: { Email: 'ann@example.org' }, To: [{ Email: 'bob+api@example.net', Name: 'Bob' }],
    Subject: 'by the API', Text: 'text', HTML: '<b>html</b>', Tags: ['api'], Cc: [{ Email: 'cc@example.net' }],
    Attachments: [{ Content: Buffer.from('%PDF').toString('base64'), Filename: 'x.pdf' }] });
  const came = await waiting;
  assert.equal(came.ID, sent.ID);
  assert.deepEqual(came.Tags, ['api']);
  assert.equal(came.Attachments[0].ContentType, 'application/pdf');
  await new MailpitClient(`http://${http}/inbox/api`).waitForMessages({ query: 'is:tagged', count: 1, exact: true });
  await assert.rejects(all.waitForMessage({ query: 'subject:never' }, { timeout: 100, interval: 20 }), /Timeout/);
}

async function theRest() {
  const info = await all.getInfo();
  assert.equal(info.Messages, 3);
  assert.equal(info.Tags.api, 1);
  assert.ok(info.RuntimeStats.SMTPAccepted >= 3);
  const settings = await all.getConfiguration();
  assert.deepEqual([settings.MessageRelay.Enabled, settings.ChaosEnabled], [false, true]);
  const chaos = await all.setChaosTriggers({ Recipient: { ErrorCode: 452, Probability: 100 } });
  assert.deepEqual(chaos.Sender.Probability, 0);
  await assert.rejects(send('shop'), (error) => error.responseCode === 452);
  assert.deepEqual((await all.setChaosTriggers()).Recipient.Probability, 0);
  assert.equal((await all.getChaosTriggers()).Recipient.Probability, 0);
  for (const refused of [() => all.releaseMessage('latest', { To: ['x@example.org'] }), () => all.htmlCheck(), () => all.linkCheck(),
    () => all.spamAssassinCheck(), () => all.getMessageSummary('none'), () => all.searchMessages({ query: 'is:blue' })])
    await assert.rejects(refused, /Mailpit API Error: 40[04]/);
  assert.equal(await all.deleteMessagesBySearch({ query: 'subject:two' }), 'ok');
  assert.equal(await shop.deleteMessages(), 'ok');
  assert.deepEqual((await all.listMessages()).messages.map((one) => one.Subject), ['by the API']);
  await all.deleteMessages({ IDs: [(await all.listMessages()).messages[0].ID] });
  await all.waitForMessages({ count: 0 });
}

async function main() {
  const id = await messages();
  await states(id);
  await waitsAndSends();
  await theRest();
  console.log('mailpit-api agrees');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
