// Writes the types of a client from an OpenAPI document: stdin to stdout. The generator needs the compiler's former
// interface, which the compiler of this project does not have any more; @ts-morph/common brings one.
import { registerHooks } from "node:module";
import { json } from "node:stream/consumers";

const COMPILER = new URL("./compiler.mjs", import.meta.url).href;

registerHooks({
  resolve: (name, context, next) =>
    name === "typescript" && context.parentURL?.includes("/openapi-typescript/")
      ? { url: COMPILER, shortCircuit: true }
      : next(name, context),
});

const { default: openapiTS, astToString } = await import("openapi-typescript");
process.stdout.write(astToString(await openapiTS(await json(process.stdin))));
