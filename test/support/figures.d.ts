// Figures that a test hands to whoever runs it; `npm run torture` prints them.
import "vitest";

declare module "vitest" {
  interface TaskMeta {
    figures?: Record<string, number | string>;
  }
}
