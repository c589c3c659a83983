import { assert, env, require } from "./check.mjs";

const linebot = require("linebot");
const bot = (channelAccessToken) => {
  const b = linebot({ channelId: "1", channelSecret: "secret", channelAccessToken });
  b.endpoint = env.ADDRESS + "/v2/bot";
  return b;
};

const line = bot(env.TOKEN);
assert.ok((await line.push(env.USER_ID, "disk full")).sentMessages[0].id);
await line.push(env.GROUP_ID, { type: "text", text: "disk full" });
await line.multicast([env.USER_ID], ["disk full", "98 %"]);
await line.broadcast("disk full");
// The client returns the body of a refusal as if it were an answer.
assert.match((await bot("wrong").push(env.USER_ID, "disk full")).message, /Authentication failed/);
