// Microsoft's renderer parses the cards that are given as a list in JSON, and reports what it does not understand.
import { readFileSync } from "node:fs";
import { assert, require } from "./check.mjs";

const AC = require("adaptivecards/dist/adaptivecards.js");
const cards = JSON.parse(readFileSync(0, "utf8"));
assert.ok(cards.length > 3);
for (const json of cards) {
  const card = new AC.AdaptiveCard();
  const context = new AC.SerializationContext(AC.Versions.latest);
  card.parse(json, context);
  const problems = Array.from({ length: context.eventCount }, (_, i) => context.getEventAt(i).message);
  assert.deepEqual(problems, []);
  assert.deepEqual(card.validateProperties().validationEvents.map((e) => e.message), []);
  assert.equal(card.getItemCount(), json.body.length);
}
