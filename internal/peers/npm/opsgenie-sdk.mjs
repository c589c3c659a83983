import { assert, called, env, refused, require } from "./check.mjs";

const opsgenie = require("opsgenie-sdk");
opsgenie.configure({ api_key: env.KEY, host: env.ADDRESS });
const alerts = (name, ...args) => called(opsgenie.alertV2[name].bind(opsgenie.alertV2), ...args);
const byAlias = { identifier: "disk-app01", identifierType: "alias" };

const [created] = await alerts("create", {
  message: "disk full",
  alias: byAlias.identifier,
  priority: "P2",
  tags: ["disk"],
  details: { mount: "/" },
  responders: [{ name: "ops", type: "team" }],
});
assert.ok(created.requestId);
assert.equal((await alerts("acknowledge", byAlias, { note: "on it" }))[0].result, "Request will be processed");
await alerts("addNote", byAlias, { note: "found it" });
await alerts("close", byAlias, { note: "done" });
const invalid = await refused(() => alerts("create", { message: "disk full", priority: "P9" }));
assert.equal(invalid.httpStatusCode, 422);
assert.ok(invalid.errors.priority);
opsgenie.configure({ api_key: "wrong", host: env.ADDRESS });
assert.equal((await refused(() => alerts("create", { message: "disk full" }))).httpStatusCode, 401);
