// The Chromium of this machine. None is downloaded.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { isHere } from "../../local/support/everything.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** What CHROMIUM_PATH names, or the first one on the path; null where there is none. */
function findChromium(): string | null {
  const named = process.env["CHROMIUM_PATH"];
  if (named) return isExecutable(named) ? named : null;
  const folders = ["/usr/bin", ...(process.env["PATH"] ?? "").split(delimiter)];
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable) ?? null;
}

/** @throws where there is none and TEST_EVERYTHING is 1 */
export function isChromiumHere(): boolean {
  const told = "No Chromium is here: install chromium, or name one in CHROMIUM_PATH.";
  if (isHere(findChromium() !== null, told)) return true;
  process.stderr.write(`${told} The tests of the console in a browser are skipped.\n`);
  return false;
}

/**
 * Of each window Chromium would also load what its own address bar shows, and keep a process in hand: a third of
 * the time that it takes from a machine. The last list that Chromium is given counts, so what Playwright puts into
 * its own stands here again.
 */
const LEFT_OUT = `
  WebUIOmniboxPopup WebUIOmniboxAimPopup SpareRendererForSitePerProcess
  HttpsUpgrades HttpsFirstBalancedModeAutoEnable PaintHolding ThirdPartyStoragePartitioning
  AvoidUnnecessaryBeforeUnloadCheckSync DestroyProfileOnBrowserClose LensOverlay MediaRouter
  AvoidCorsURLLoaderRestartOnRedirect OptimizationHints NetworkTimeServiceQuerying
  AimEnabled PreconnectToSearch
`;

export function launch(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === null) throw new Error("No Chromium is here.");
  return chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // No page is there for long enough to win back what it takes to make its code fast.
      "--js-flags=--no-maglev,--no-turbofan",
      `--disable-features=${LEFT_OUT.trim().split(/\s+/).join(",")}`,
    ],
  });
}
