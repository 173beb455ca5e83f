// The tests' share of the one service, and a browser for each file of them.
import { inject, test as base } from "vitest";
import { type Look, openTab, type Tab } from "./browser.ts";
import { launch } from "./chromium.ts";

export const test = base
  .extend("house", { scope: "file" }, () => inject("house"))
  .extend("browser", { scope: "file" }, async ({}, { onCleanup }) => {
    const browser = await launch();
    onCleanup(() => browser.close());
    return browser;
  })
  // Opens a tab that is closed after the test; where one noted a fault, the test fails.
  .extend("open", async ({ house, browser }, { onCleanup }) => {
    const tabs: Tab[] = [];
    onCleanup(async () => {
      const faults = tabs.flatMap((tab) => tab.faults());
      await Promise.all(tabs.map(({ context }) => context.close()));
      if (faults.length > 0) throw new Error(`The browser reported:\n${faults.join("\n")}`);
    });
    return async (look?: Look): Promise<Tab> => {
      const tab = await openTab(browser, house, look);
      tabs.push(tab);
      return tab;
    };
  });
