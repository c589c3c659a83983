// Signs webhooks for the fake, and verifies the requests of our notifier, which are given as a list in JSON.
import { readFileSync } from "node:fs";
import { assert, env } from "./check.mjs";

export async function checkLibrary(library) {
  const body = '{"event":"sample","message":"障害"}';
  const post = async (secret, at) => {
    const headers = {
      "Content-Type": "application/json",
      Authorization: "Basic " + btoa(env.USER_NAME + ":" + env.PASSWORD),
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(at / 1000)),
      "webhook-signature": library(secret).sign("msg_1", new Date(at), body),
    };
    return (await fetch(env.ADDRESS, { method: "POST", headers, body })).status;
  };
  assert.equal(await post(env.SECRET, Date.now()), 204);
  assert.equal(await post(env.OTHER_SECRET, Date.now()), 401);
  assert.equal(await post(env.SECRET, Date.now() - 3600_000), 401);

  const requests = JSON.parse(readFileSync(0, "utf8"));
  assert.ok(requests.length > 3);
  for (const { body, headers } of requests) {
    library(env.SECRET).verify(body, headers);
    assert.throws(() => library(env.OTHER_SECRET).verify(body, headers));
    assert.throws(() => library(env.SECRET).verify(body + " ", headers));
  }
}
