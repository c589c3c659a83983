// Loaded before a script with `node --import`. It sends every request for an https address to the fake, whose address
// is in REDIRECT, with the same path. It is for clients whose address cannot be configured.
import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";

const base = new URL(process.env.REDIRECT);
const prefix = base.pathname.replace(/\/$/, "");

// request takes the same arguments as https.request.
function request(input, options, callback) {
  if (typeof options === "function") [options, callback] = [{}, options];
  const address = typeof input === "string" ? new URL(input) : input;
  const from = address instanceof URL ? { ...urlOptions(address), ...options } : { ...address, ...options };
  const to = { protocol: "http:", host: base.hostname, hostname: base.hostname, port: base.port };
  return http.request({ ...from, ...to, path: prefix + (from.path ?? "/"), agent: undefined }, callback);
}

function urlOptions(u) {
  const auth = u.username ? { auth: `${u.username}:${u.password}` } : {};
  return { path: u.pathname + u.search, ...auth };
}

https.request = request;
https.get = (...args) => request(...args).end();
syncBuiltinESMExports();

const { fetch } = globalThis;
globalThis.fetch = (input, init) => {
  const u = new URL(input instanceof Request ? input.url : input);
  if (u.protocol !== "https:") return fetch(input, init);
  const to = new URL(prefix + u.pathname + u.search, base);
  return fetch(input instanceof Request ? new Request(to, input) : to, init);
};
