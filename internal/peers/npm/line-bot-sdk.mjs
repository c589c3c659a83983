import { randomUUID } from "node:crypto";
import { HTTPFetchError, messagingApi } from "@line/bot-sdk";
import { assert, env, refused } from "./check.mjs";

const client = (token) => new messagingApi.MessagingApiClient({ channelAccessToken: token, baseURL: env.ADDRESS });
const line = client(env.TOKEN);
const text = { type: "text", text: "disk full" };
const bubble = {
  type: "flex",
  altText: "disk full",
  contents: {
    type: "bubble",
    body: { type: "box", layout: "vertical", contents: [{ type: "text", text: "disk full", wrap: true }] },
    footer: {
      type: "box",
      layout: "vertical",
      contents: [{ type: "button", action: { type: "uri", label: "Open", uri: "https://mackerel.io/" } }],
    },
  },
};

const key = randomUUID();
const pushed = await line.pushMessage({ to: env.USER_ID, messages: [text] }, key);
assert.ok(pushed.sentMessages[0].id);
await line.pushMessage({ to: env.GROUP_ID, messages: [bubble] });
await line.multicast({ to: [env.USER_ID], messages: [text], notificationDisabled: true });
await line.broadcast({ messages: [text] });
assert.deepEqual(await line.getMessageQuota(), { type: "limited", value: 1000 });
assert.equal((await line.getMessageQuotaConsumption()).totalUsage, 13);

const again = await refused(() => line.pushMessage({ to: env.USER_ID, messages: [text] }, key));
assert.ok(again instanceof HTTPFetchError);
assert.equal(again.status, 409);
assert.ok(again.headers.get("x-line-accepted-request-id"));
const wrong = await refused(() => client("wrong").pushMessage({ to: env.USER_ID, messages: [text] }));
assert.equal(wrong.status, 401);
const long = await refused(() => line.broadcast({ messages: [{ type: "text", text: "x".repeat(5001) }] }));
assert.equal(long.status, 400);
assert.equal(JSON.parse(long.body).details[0].property, "messages[0].text");
