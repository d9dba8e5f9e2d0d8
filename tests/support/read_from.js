// Which addresses programs in JavaScript read in a From field, for tests/e2e/judges.py: the parser of nodemailer, which mailparser uses
// and postal-mime is descended from, and the older addressparser.
//   node read_from.js NODEMAILER ADDRESSPARSER < fields
// Fields and answers are those of read_from.pl.
'use strict';
const fs = require('fs');
const parsers = process.argv.slice(2).map((path) => require(path));

function flat(list) {
  return list.flatMap((one) => (one.group ? flat(one.group) : [one]));
}

function decoded(text) {
  return text.replace(/=\?[^?]+\?([QqBb])\?([^?]*)\?=/g, (_, how, word) =>
    how.toUpperCase() === 'B'
      ? Buffer.from(word, 'base64').toString('latin1')
      : word.replace(/_/g, ' ').replace(/=([0-9A-Fa-f]{2})/g, (__, digits) => String.fromCharCode(parseInt(digits, 16))));
}

const lines = fs.readFileSync(0, 'latin1').split('\n');
lines.pop();
for (const line of lines) {
  const value = Buffer.from(line, 'hex').toString('latin1');
  const found = [];
  for (const parse of parsers) {
    for (const one of flat(parse(value))) {
      if (one.address) found.push(one.address);
      // As mailparser and postal-mime do: a name of encoded words without an address is looked at once more.
      else if (/=\?[^?]+\?[QqBb]\?/.test(one.name || '')) found.push(...flat(parse(decoded(one.name))).map((o) => o.address));
    }
  }
  console.log(found.filter(Boolean).map((one) => Buffer.from(one, 'latin1').toString('hex')).join('\t'));
}
