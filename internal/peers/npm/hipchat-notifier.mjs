import { assert, called, env, require } from "./check.mjs";

const notifier = require("hipchat-notifier");
const send = async (token, body) => {
  const n = notifier.make(env.ROOM, token, "peer", "hipchat.test", true);
  const [response, answer] = await called(n.send.bind(n), body);
  return { status: response.statusCode, answer };
};

assert.equal((await send(env.TOKEN, { message: "disk full", color: "red" })).status, 204);
assert.equal((await send(env.TOKEN, { message: "<b>disk full</b>" })).status, 204);
const wrong = await send("wrong", { message: "disk full" });
assert.equal(wrong.status, 401);
assert.equal(wrong.answer.error.code, 401);
const color = await send(env.TOKEN, { message: "disk full", color: "pink" });
assert.equal(color.status, 400);
assert.match(color.answer.error.message, /color/);
