// Older clients for Slack's webhooks. Some send JSON without a Content-Type.
import { assert, called, env, refused, require } from "./check.mjs";

const text = "disk full";
const attachments = [{ fallback: text, color: "danger", fields: [{ title: "Host", value: "app01", short: true }] }];
const senders = {
  "slack-notify": (address, message) => require("slack-notify")(address).send(message),
  "slack-webhook": (address, message) => new (require("slack-webhook"))(address).send(message),
  "node-slack": (address, message) => {
    const slack = new (require("node-slack"))(address);
    return called(slack.send.bind(slack), message);
  },
  "node-slackr": (address, message) => {
    const slack = new (require("node-slackr"))(address);
    return called(slack.notify.bind(slack), message);
  },
};
for (const [name, send] of Object.entries(senders)) {
  await send(env.ADDRESS, { text, attachments, username: name, icon_emoji: ":fish:" });
  const wrong = await refused(() => send(env.ADDRESS + "x", { text }));
  assert.match(String(wrong.message ?? wrong), /invalid_token/, name);
}
