import { checkLibrary } from "./signatures.mjs";
import { Webhook } from "svix";

await checkLibrary((secret) => new Webhook(secret));
