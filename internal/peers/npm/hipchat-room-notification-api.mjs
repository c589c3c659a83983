import { assert, env, refused, require } from "./check.mjs";

const Notification = require("hipchat-room-notification-api");
const message = (token) => {
  const n = new Notification(env.ADDRESS, Number(env.ROOM), token);
  n.setFrom("peer");
  n.setColor("red");
  n.setMessage("disk full");
  n.shouldNotify();
  return n;
};

await message(env.TOKEN).send();
const card = message(env.TOKEN);
card.addCard("disk-app01", "application", "disk full");
card.addCardDescription("app01 98 %", "text");
card.setCardToMediumFormat();
card.addCardUrl("https://mackerel.io/");
card.addCardIconDetails("https://mackerel.io/icon.png", "https://mackerel.io/icon2.png");
card.addCardThumbnailDetails("https://mackerel.io/graph.png", "https://mackerel.io/graph2.png", 400, 300);
card.addActivityWithIcon("<b>disk full</b>", "https://mackerel.io/icon.png");
card.addCardAttribute("used", "98 %", "lozenge-error");
card.addCardAttributeWithIconAndUrl("host", "app01", "lozenge", "https://mackerel.io/icon.png", "https://mackerel.io/");
await card.send();
assert.match((await refused(() => message("wrong").send())).message, /401/);
