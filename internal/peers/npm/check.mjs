// What the scripts have in common.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

export { assert };
export const env = process.env;
// require loads a package that is not an ECMAScript module.
export const require = createRequire(import.meta.url);

// refused returns the error of a call that must fail.
export async function refused(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  assert.fail("no error");
}

// called calls a function that takes a callback, and returns what the callback gets after the error.
export const called = (f, ...args) =>
  new Promise((resolve, reject) => f(...args, (error, ...rest) => (error ? reject(error) : resolve(rest))));
