// Prints the slowest files at the end of a run.
import type { Reporter, TestModule } from "vitest/node";

const SHOWN = 10;

export class Slowest implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    if (modules.length <= SHOWN) return;
    const lines = modules
      .map((module) => ({ path: module.relativeModuleId, ms: module.diagnostic().duration }))
      .toSorted((a, b) => b.ms - a.ms)
      .slice(0, SHOWN)
      .map(({ path, ms }) => `${(ms / 1_000).toFixed(1).padStart(8)} s  ${path}`);
    process.stdout.write(`\n The ${SHOWN} slowest files\n${lines.join("\n")}\n`);
  }
}
