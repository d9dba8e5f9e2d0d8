// Which addresses whole mail parsers in JavaScript read in a From field, for tests/e2e/judges.py: those of postal-mime or mailparser, as they
// are, when a message with that field is given to them.
//   node read_message.js postal-mime|mailparser FOLDER < fields      FOLDER: of the module
// Fields and answers are those of read_from.pl.
'use strict';
const fs = require('fs');
const [, , name, folder] = process.argv;
const program = require(folder);

function flat(list) {
  return (list || []).flatMap((one) => (one && one.group ? flat(one.group) : [one])).filter(Boolean);
}

async function read(message) {
  if (name === 'postal-mime') {
    const mail = await (program.default || program).parse(message);
    return flat([mail.from, ...mail.headers.filter((one) => one.key === 'from').flatMap((one) => program.addressParser(one.value, { flatten: true }))]);
  }
  const from = (await program.simpleParser(message, { skipTextToHtml: true })).from;
  return flat(Array.isArray(from) ? from.flatMap((one) => one.value) : from && from.value);
}

async function main() {
  const lines = fs.readFileSync(0, 'latin1').split('\n');
  lines.pop();
  for (const line of lines) {
    const message = Buffer.concat([Buffer.from('From: '), Buffer.from(line, 'hex'), Buffer.from('\r\nSubject: x\r\n\r\nx\r\n')]);
    const found = await read(message);
    console.log(found.map((one) => one.address).filter(Boolean).map((one) => Buffer.from(one).toString('hex')).join('\t'));
  }
}

main();
