// A clock that tests set. It reaches the Worker and jose; SQL gets its time from the Worker.
import { vi } from "vitest";

/** Sets the time of the service; setup.ts brings the real clock back after each test. */
export function setTime(at: string | number): void {
  if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(at);
}

export const DAY = 86_400_000;
