import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { env } from "./check.mjs";
import { checkStore } from "./store.mjs";

const conn = await connect({ servers: env.ADDRESS });
await checkStore(jetstream(conn), await jetstreamManager(conn));
await conn.close();
