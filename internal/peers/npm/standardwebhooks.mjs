import { Webhook } from "standardwebhooks";
import { checkLibrary } from "./signatures.mjs";

await checkLibrary((secret) => new Webhook(secret));
