import { assert, called, env, refused, require } from "./check.mjs";

const Hipchatter = require("hipchatter");
const client = (token) => new Hipchatter(token, env.ADDRESS + "/v2/");
const call = (c, name, ...args) => called(c[name].bind(c), ...args);

// The client gives its token in the query, and sends that of the room in the body, too.
const api = client(env.TOKEN);
await call(api, "notify", env.ROOM, { message: "disk full", color: "red", message_format: "text", notify: true });
await call(api, "notify", env.ROOM, { message: "disk full", token: env.TOKEN });
await call(api, "set_topic", env.ROOM, "disk full");
assert.equal((await call(api, "rooms"))[0].length, 1);
const [history] = await call(api, "history", env.ROOM);
assert.match(JSON.stringify(history.items), /disk full/);
assert.match((await refused(() => call(api, "notify", env.ROOM, { message: "x", color: "pink" }))).message, /color/);
assert.match((await refused(() => call(client("wrong"), "rooms"))).message, /session|token|auth/i);
