import { IncomingWebhook } from "@slack/webhook";
import { assert, env, refused } from "./check.mjs";

const webhook = new IncomingWebhook(env.ADDRESS, { retryConfig: { retries: 0 } });
assert.equal((await webhook.send("disk full")).text, "ok");
await webhook.send({
  text: "disk full",
  username: "mackerel",
  icon_emoji: ":fish:",
  unfurl_links: false,
  attachments: [{ color: "danger", fallback: "disk full", fields: [{ title: "Host", value: "app01", short: true }] }],
  blocks: [
    { type: "header", text: { type: "plain_text", text: "disk full", emoji: true } },
    { type: "section", text: { type: "mrkdwn", text: "*98 %* on app01" } },
  ],
});
const wrong = await refused(() => new IncomingWebhook(env.ADDRESS + "x").send("disk full"));
assert.equal(wrong.code, "slack_webhook_http_error");
assert.match(wrong.message + JSON.stringify(wrong.original?.response ?? ""), /403/);
const empty = await refused(() => webhook.send({}));
assert.match(empty.message, /400/);
