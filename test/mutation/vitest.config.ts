// The pure rules in plain Node, for mutation testing: a run takes a second where one on workerd takes forty.
import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: join(import.meta.dirname, "../.."),
  test: {
    include: [
      "test/kernel/{calendar,dates,inputs,metadata,permissions}.spec.ts",
      "test/audit/chain.spec.ts",
      "test/licensing/licenses/{standing,terms}.spec.ts",
      "test/licensing/seats/ids/activation-ids.spec.ts",
      "test/notices/ladder.spec.ts",
    ],
  },
});
