import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { assert, env, refused } from "./check.mjs";

const client = (secretAccessKey) =>
  new EventBridgeClient({
    region: env.REGION,
    endpoint: env.ADDRESS,
    maxAttempts: 1,
    credentials: { accessKeyId: env.KEY, secretAccessKey, sessionToken: env.SESSION },
  });
const entry = (Detail) => ({
  Source: "com.example",
  DetailType: "Test",
  Detail,
  EventBusName: env.BUS,
  Time: new Date(1767225600500),
  Resources: ["arn:aws:ec2:ap-northeast-1:123456789012:instance/i-1"],
});
const put = (c, entries) => c.send(new PutEventsCommand({ Entries: entries }));

const api = client(env.SECRET);
const answer = await put(api, [entry('{"a":"障害"}'), entry('{"a":')]);
assert.ok(answer.Entries[0].EventId);
assert.equal(answer.FailedEntryCount, 1);
assert.equal(answer.Entries[1].ErrorCode, "MalformedDetail");
const many = await refused(() => put(api, Array(11).fill(entry("{}"))));
assert.equal(many.name, "ValidationException");
const wrong = await refused(() => put(client("wrong"), [entry("{}")]));
assert.equal(wrong.name, "InvalidSignatureException");
