import { assert, env, refused, require } from "./check.mjs";

const PagerDuty = require("node-pagerduty");
const pagerduty = new PagerDuty("unused");
const payload = { summary: "disk full", source: "app01", severity: "critical" };
const send = (event) => pagerduty.events.sendEvent({ routing_key: env.KEY, dedup_key: "disk-app01", ...event });

assert.equal((await send({ event_action: "trigger", payload })).dedup_key, "disk-app01");
assert.equal((await send({ event_action: "resolve" })).status, "success");
const invalid = await refused(() => send({ event_action: "trigger", payload: { ...payload, severity: "disaster" } }));
assert.match(invalid.message, /400.*invalid event/);
