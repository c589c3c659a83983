// Chatwork's own server for language models. It calls the API for a program that talks to it over a pipe.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { assert, env } from "./check.mjs";

const script = "node_modules/@chatwork/mcp-server/dist/index.js";
const server = spawn(process.execPath, ["--import", "./redirect.mjs", script], {
  env: { ...env, CHATWORK_API_TOKEN: env.TOKEN },
  stdio: ["pipe", "pipe", "inherit"],
});
const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
let id = 0;

const write = (message) => server.stdin.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");

async function call(method, params) {
  write({ id: ++id, method, params });
  for (;;) {
    const answer = JSON.parse((await lines.next()).value);
    if (answer.id === id) return answer.result;
  }
}

const tool = async (name, args) => call("tools/call", { name, arguments: args });

const clientInfo = { name: "peers", version: "1" };
await call("initialize", { protocolVersion: "2024-11-05", capabilities: {}, clientInfo });
write({ method: "notifications/initialized" });
const room_id = Number(env.ROOM);
const posted = await tool("post_room_message", { path: { room_id }, body: { body: "disk full", self_unread: 0 } });
assert.ok(!posted.isError, JSON.stringify(posted));
const { message_id } = JSON.parse(posted.content[0].text);
const read = await tool("get_room_message", { path: { room_id, message_id } });
assert.equal(JSON.parse(read.content[0].text).body, "disk full");
const unknown = await tool("get_room_message", { path: { room_id, message_id: "1" } });
assert.equal(unknown.isError, true);
assert.match(unknown.content[0].text, /404/);
server.kill();
