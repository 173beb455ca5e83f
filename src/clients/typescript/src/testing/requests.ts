// Requests as they arrive, read as the service reads them.
import { isObject } from "../documents.ts";
import { cleanId, isInstanceId } from "../texts.ts";
import { isDay } from "../usage.ts";
import { invalid, Problem } from "./problems.ts";
import type { Day } from "./usage.ts";

/** A member that may be left out; null counts as left out. */
export function textOf(body: Record<string, unknown>, name: string): string | null {
  const value = body[name] ?? null;
  if (value !== null && typeof value !== "string") throw invalid(name, "Must be a text");
  return value;
}

export function requiredText(body: Record<string, unknown>, name: string): string {
  const value = body[name];
  if (typeof value !== "string") throw invalid(name, "Must be a text");
  return value;
}

export function instanceIdOf(body: Record<string, unknown>): string {
  const id = cleanId(requiredText(body, "instance_id"));
  if (!isInstanceId(id)) throw invalid("instance_id", "Must be 1 to 128 printable characters");
  return id;
}

export function leaseHoursOf(body: Record<string, unknown>): number | null {
  const hours = body["lease_hours"] ?? null;
  if (hours === null) return null;
  if (!Number.isInteger(hours) || (hours as number) < 1 || (hours as number) > 8760)
    throw invalid("lease_hours", "Must be a whole number from 1 to 8760");
  return hours as number;
}

const figureOf = (value: unknown, path: string): number => {
  if (value == null) return 0;
  if (!Number.isInteger(value) || (value as number) < 0) throw invalid(path, "Must be a whole number from 0");
  return value as number;
};

export function usageOf(body: Record<string, unknown>): Day[] {
  const usage = body["usage"] ?? [];
  if (!Array.isArray(usage)) throw invalid("usage", "Must be a list");
  return usage.map((day: unknown, at): Day => {
    const { date, requests, services } = isObject(day) ? day : {};
    if (typeof date !== "string" || !isDay(date))
      throw invalid(`usage.${at}.date`, "Must be a date (2027-01-31)");
    return {
      date,
      requests: figureOf(requests, `usage.${at}.requests`),
      services: figureOf(services, `usage.${at}.services`),
    };
  });
}

/** @throws Problem */
export function bodyOf(text: string, contentType: string): Record<string, unknown> {
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(contentType.trim()))
    throw new Problem("UNSUPPORTED_MEDIA_TYPE");
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw invalid("", "The body is not JSON");
  }
  if (!isObject(body)) throw invalid("", "Must be an object");
  return body;
}
