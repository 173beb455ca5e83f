// The real service on workerd, with a database of its own, as an installation and the staff see it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, type RunningService } from "../../../src/dev/service.ts";
import { startBuilt } from "../../local/support/built.ts";
import { migrated } from "../../local/support/migrated.ts";

export interface Live {
  url: string;
  /** The owner's. */
  readonly token: string;
  /** Calls the admin API as the owner; throws where it refuses. */
  admin(path: string, body?: object, method?: string): Promise<any>;
  newLicense(terms?: object): Promise<{ id: string; key: string }>;
  /** Requests told for a license, all days and instances together. */
  requestsOf(licenseId: string): Promise<number>;
  kill(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

export async function live(): Promise<Live> {
  const folder = mkdtempSync(join(tmpdir(), "caio-licensing-live-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let service: RunningService;
  const start = async (): Promise<void> => {
    service = await startBuilt({
      port,
      ...migrated(folder),
      vars: ["RATE_LIMITS:off", `ISSUER:${url}`],
    });
  };
  await start();
  const admin: Live["admin"] = async (path, body, method = body ? "POST" : "GET") => {
    const response = await fetch(`${url}/v1/admin${path}`, {
      method,
      headers: { Authorization: `Bearer ${service.token}`, "Content-Type": "application/json" },
      body: body ? JSON.stringify(body) : null,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  };
  let serial = 0;
  return {
    url,
    get token() {
      return service.token;
    },
    admin,
    async newLicense(terms = {}) {
      const customer = await admin("/customers", { id: `customer-${++serial}`, name: "Acme" });
      const issued = await admin("/licenses", {
        customer_id: customer.id,
        license_type: "professional",
        expires_days: 365,
        ...terms,
      });
      return { id: issued.license.id, key: issued.license_key };
    },
    async requestsOf(licenseId) {
      const { data } = await admin(`/licenses/${licenseId}/usage`);
      return data.reduce((sum: number, day: { requests: number }) => sum + day.requests, 0);
    },
    kill: () => service.kill(),
    start,
    async remove() {
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
