// Figures that a test reports to its caller; `npm run torture` prints them.
import "vitest";

declare module "vitest" {
  interface TaskMeta {
    figures?: Record<string, number | string>;
  }
}
