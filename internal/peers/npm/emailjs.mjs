import { SMTPClient } from "emailjs";
import { assert, env, refused } from "./check.mjs";

const client = (password) =>
  new SMTPClient({
    host: env.HOST,
    port: Number(env.PORT),
    user: env.USER_NAME,
    password,
    tls: { rejectUnauthorized: false },
    authentication: ["PLAIN", "LOGIN"],
  });
const mail = {
  from: "Mackerel <alert@example.com>",
  to: "hanako@example.com, taro@example.com",
  subject: "障害: disk full",
  text: "disk 98 %",
  attachment: [{ data: "<p>ディスク 98 %</p>\n", alternative: true }],
};

const smtp = client(env.PASSWORD);
await smtp.sendAsync(mail);
// The client sends a text in Japanese as it is, and says that it is 7bit.
assert.match((await refused(() => smtp.sendAsync({ ...mail, text: "ディスク" }))).smtp, /^554/);
smtp.smtp.close();
const wrong = await refused(() => client("wrong").sendAsync(mail));
assert.match(String(wrong.message) + String(wrong.smtp), /535|authorization/i);
process.exit(0); // the client keeps its connections open
