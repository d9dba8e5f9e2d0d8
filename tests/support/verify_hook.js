// What npm's standardwebhooks says of posts: JSON [{secret, body, headers}] in, of each the event or null out.
"use strict";

const { Webhook } = require(process.argv[2]);

let text = "";
process.stdin.on("data", (piece) => (text += piece));
process.stdin.on("end", () => {
  const told = JSON.parse(text).map(({ secret, body, headers }) => {
    try {
      return new Webhook(secret).verify(body, headers);
    } catch (refused) {
      if (refused.name !== "WebhookVerificationError") throw refused;
      return null;
    }
  });
  process.stdout.write(JSON.stringify(told));
});
