import { assert, env, refused, require } from "./check.mjs";

const twilio = require("twilio");
const client = twilio(env.SID, env.TOKEN);
const to = { from: env.FROM, to: env.TO };

const message = await client.messages.create({ ...to, body: "disk full", validityPeriod: 600 });
assert.match(message.sid, /^SM[0-9a-f]{32}$/);
assert.equal(message.status, "queued");
const call = await client.calls.create({
  ...to,
  twiml: "<Response><Say>disk full</Say></Response>",
  statusCallback: "https://example.com/status",
  statusCallbackEvent: ["initiated", "completed"],
});
assert.match(call.sid, /^CA[0-9a-f]{32}$/);
const said = new twilio.twiml.VoiceResponse();
said.say({ language: "ja-JP", loop: 2 }, "障害");
await client.calls.create({ ...to, twiml: said });
const number = await refused(() => client.messages.create({ ...to, to: "12", body: "disk full" }));
assert.deepEqual([number.status, number.code], [400, 21211]);
const wrong = await refused(() => twilio(env.SID, "wrong").messages.create({ ...to, body: "disk full" }));
assert.deepEqual([wrong.status, wrong.code], [401, 20003]);
