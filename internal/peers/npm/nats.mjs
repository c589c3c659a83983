import { connect } from "nats";
import { env } from "./check.mjs";
import { checkStore } from "./store.mjs";

const conn = await connect({ servers: env.ADDRESS });
await checkStore(conn.jetstream(), await conn.jetstreamManager());
await conn.close();
