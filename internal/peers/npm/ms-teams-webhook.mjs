import { IncomingWebhook } from "ms-teams-webhook";
import { assert, env, refused } from "./check.mjs";

const webhook = new IncomingWebhook(env.ADDRESS);
// A workflow that posts what it gets needs a card. sendText is for other workflows: it sends text/plain.
assert.equal((await refused(() => webhook.sendText("disk full"))).code, "InvalidRequestContent");
const card = [
  {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    body: [
      { type: "TextBlock", text: "${title}", weight: "Bolder" },
      { type: "FactSet", facts: [{ title: "Host", value: "${host}" }] },
    ],
    actions: [{ type: "Action.OpenUrl", title: "Open", url: "https://mackerel.io/" }],
  },
  { title: "disk full", host: "app01" },
];
await webhook.sendAdaptiveCard(...card);
const wrong = await refused(() => new IncomingWebhook(env.ADDRESS + "x").sendAdaptiveCard(...card));
assert.match(wrong.message, /401/);
