import { assert, env, refused, require } from "./check.mjs";

const ChatworkApi = require("chatwork-api-client").default;
const room = env.ROOM;
const api = new ChatworkApi(env.TOKEN);

const me = await api.getMe();
assert.ok(me.account_id > 0);
const { message_id } = await api.postRoomMessage(room, { body: "disk full [info]障害[/info]", self_unread: 0 });
assert.equal((await api.getRoomMessage(room, message_id)).body, "disk full [info]障害[/info]");
assert.equal((await api.putRoomMessage(room, message_id, { body: "disk fixed" })).message_id, message_id);
assert.equal((await api.getRoomMessages(room, { force: 1 })).at(-1).body, "disk fixed");
assert.equal((await api.deleteRoomMessage(room, message_id)).message_id, message_id);

const task = { body: "clean up", to_ids: String(me.account_id), limit_type: "none" };
const { task_ids } = await api.postRoomTask(room, task);
assert.equal((await api.getRoomTask(room, task_ids[0])).status, "open");
await api.putRoomTaskStatus(room, task_ids[0], { body: "done" });
assert.equal((await api.getRoomTask(room, task_ids[0])).status, "done");
assert.equal((await api.getMyTasks({ status: "done" })).length, 1);

const { file_id } = await api.postRoomFile(room, { file: Buffer.from("98 %\n"), file_name: "df.txt", message: "see" });
assert.equal((await api.getRoomFile(room, file_id, { create_download_url: 1 })).filesize, 5);
assert.equal((await api.getRoomFiles(room)).length, 1);

const link = await api.postRoomLink(room, { code: "ops", need_acceptance: 1, description: "operators" });
assert.equal(link.public, true);
assert.equal((await api.putRoomLink(room, { need_acceptance: 0 })).need_acceptance, false);
assert.equal((await api.deleteRoomLink(room)).public, false);

const made = await api.postRoom({ name: "incident", members_admin_ids: String(me.account_id), icon_preset: "group" });
assert.equal((await api.putRoom(made.room_id, { name: "solved" })).room_id, made.room_id);
assert.equal((await api.getRoom(made.room_id)).name, "solved");
assert.deepEqual((await api.getRoomMembers(made.room_id)).map((m) => m.role), ["admin"]);
await api.putRoomMembers(made.room_id, { members_admin_ids: String(me.account_id) });
await api.deleteRoom(made.room_id, { action_type: "delete" });
assert.ok((await api.getRooms()).length >= 1);
assert.equal(typeof (await api.getMyStatus()).unread_num, "number");
await api.getContacts();
await api.getIncomingRequests();
assert.ok(api.rateLimits["x-ratelimit-remaining"] > 0);

// The client's errors are those of axios.
const empty = await refused(() => api.postRoomMessage(room, { body: "" }));
assert.equal(empty.response.status, 400);
assert.ok(empty.response.data.errors.length > 0);
const unknown = await refused(() => new ChatworkApi("wrong").getMe());
assert.equal(unknown.response.status, 401);
assert.deepEqual(unknown.response.data, { errors: ["Invalid API token"] });
