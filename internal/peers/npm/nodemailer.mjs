import nodemailer from "nodemailer";
import { assert, env, refused } from "./check.mjs";

const transport = (pass, more) =>
  nodemailer.createTransport({
    host: env.HOST,
    port: Number(env.PORT),
    auth: { user: env.USER_NAME, pass },
    requireTLS: true,
    tls: { rejectUnauthorized: false },
    ...more,
  });
const mail = {
  from: "監視 <alert@example.com>",
  to: ["hanako@example.com", "taro@example.com"],
  subject: "障害: disk full",
  text: "ディスク 98 %\n",
  html: "<p>ディスク 98 %</p>\n",
};

const sent = await transport(env.PASSWORD).sendMail(mail);
assert.deepEqual(sent.accepted, mail.to);
await transport(env.PASSWORD, { port: Number(env.TLS_PORT), secure: true }).sendMail(mail);
await transport(env.PASSWORD, { authMethod: "LOGIN" }).sendMail(mail);
const wrong = await refused(() => transport("wrong").sendMail(mail));
assert.equal(wrong.code, "EAUTH");
assert.equal(wrong.responseCode, 535);
