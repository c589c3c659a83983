// Reads a store of package durable and publishes into it. The queue "slack" has one alert, and one dead letter.
import { assert, refused } from "./check.mjs";

export async function checkStore(js, jsm) {
  const info = await jsm.streams.info("mackerel", { subjects_filter: "mackerel.slack.*" });
  assert.equal(info.state.messages, 1);
  const [subject] = Object.keys(info.state.subjects);
  const message = await jsm.streams.getMessage("mackerel", { last_by_subj: subject });
  assert.equal(JSON.parse(new TextDecoder().decode(message.data)).event, "alert");
  const letter = await jsm.streams.getMessage("mackerel-dead", { last_by_subj: "mackerel-dead.slack" });
  assert.match(letter.header.get("Mackerel-Reason"), /invalid_token/);
  assert.equal(JSON.parse(new TextDecoder().decode(letter.data)).event, "alert");

  const alert = { event: "alert", alert: { status: "critical", isOpen: true, monitorName: "published" } };
  const body = new TextEncoder().encode(JSON.stringify(alert));
  assert.equal((await js.publish("mackerel.slack.disk", body, { msgID: "1" })).duplicate, false);
  assert.equal((await js.publish("mackerel.slack.disk", body, { msgID: "1" })).duplicate, true);
  await refused(() => js.publish("mackerel.slack", body, { timeout: 1000 }));
}
