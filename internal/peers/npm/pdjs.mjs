import { assert, env, require } from "./check.mjs";

const { event, acknowledge, resolve } = require("@pagerduty/pdjs");
const data = {
  routing_key: env.KEY,
  dedup_key: "disk-app01",
  payload: { summary: "disk full", source: "app01", severity: "critical", custom_details: { used: 98.5 } },
};

const triggered = await event({ data: { ...data, event_action: "trigger", client: "peers" } });
assert.equal(triggered.status, 202);
assert.equal(triggered.data.dedup_key, "disk-app01");
assert.equal((await acknowledge({ data })).data.status, "success");
assert.equal((await resolve({ data })).data.status, "success");
const invalid = await event({ data: { ...data, event_action: "trigger", payload: { summary: "disk full" } } });
assert.equal(invalid.status, 400);
assert.equal(invalid.data.status, "invalid event");
assert.ok(invalid.data.errors.length > 0);
