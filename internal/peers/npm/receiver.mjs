// HTTP clients that programs use to send webhooks on. The list of bodies is given in JSON.
import { readFileSync } from "node:fs";
import axios from "axios";
import got from "got";
import { assert, env } from "./check.mjs";

const basic = (password) => "Basic " + Buffer.from("mackerel:" + password).toString("base64");
const senders = {
  async axios(body, headers) {
    return (await axios.post(env.ADDRESS, body, { headers, validateStatus: () => true })).status;
  },
  async got(body, headers) {
    return (await got.post(env.ADDRESS, { body, headers, throwHttpErrors: false })).statusCode;
  },
  async fetch(body, headers) {
    return (await fetch(env.ADDRESS, { method: "POST", body, headers })).status;
  },
};
const json = { "Content-Type": "application/json; charset=utf-8" };
const bodies = JSON.parse(readFileSync(0, "utf8"));
for (const [name, send] of Object.entries(senders)) {
  const good = { ...json, Authorization: basic(env.PASSWORD) };
  for (const body of bodies) {
    // White space makes the bodies of each client different: the receiver drops repeats.
    assert.equal(await send(body + " ".repeat(name.length), good), 200, name);
  }
  assert.equal(await send(bodies[0], { ...json, Authorization: basic("wrong") }), 401, name);
  assert.equal(await send("disk full", good), 400, name);
  assert.equal(await send("a=b", { ...good, "Content-Type": "application/x-www-form-urlencoded" }), 415, name);
}
