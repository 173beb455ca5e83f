// A clock that tests set. It reaches the Worker and jose; SQL gets its time from the Worker.
import { vi } from "vitest";

/** Sets the time of the service; the real clock is back after the test (setup.ts sees to that). */
export function setTime(at: string | number): void {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(at);
}

export const DAY = 86_400_000;
