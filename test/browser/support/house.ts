// The real service on workerd with an empty database, and Resend's stand-in beside it.
import { createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmulator } from "emulate";
import { freePort } from "../../../src/dev/service.ts";
import { startBuilt } from "../../local/support/built.ts";
import { migrated } from "../../local/support/migrated.ts";

/** What it takes to talk to the service. */
export interface House {
  url: string;
  /** Of an owner. */
  token: string;
  webhookSecret: string;
  /** The address of Resend's stand-in. */
  resend: string;
}

export async function openHouse(): Promise<{ house: House; close: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "caio-licensing-browser-"));
  const webhookSecret = `whsec_${randomBytes(24).toString("base64")}`;
  const resend = await createEmulator({ service: "resend", port: await freePort() });
  const port = await freePort();
  try {
    const service = await startBuilt({
      port,
      ...migrated(folder),
      vars: [
        "RATE_LIMITS:off",
        "RESEND_API_KEY:re_local",
        `RESEND_BASE_URL:${resend.url}`,
        "RESEND_RATE_PER_SECOND:50",
        `RESEND_WEBHOOK_SECRET:${webhookSecret}`,
        "ADMIN_EMAILS:ops@smarthaus.example",
      ],
    });
    return {
      house: { url: `http://127.0.0.1:${port}`, token: service.token, webhookSecret, resend: resend.url },
      close: async () => {
        await service.stop();
        await resend.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await resend.close();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

export interface Answer {
  status: number;
  // Tests read answers as a client without types would.
  body: any;
}

/** Calls the service with an owner's token. */
export async function call(house: House, path: string, body?: unknown, method?: string): Promise<Answer> {
  const response = await fetch(`${house.url}${path}`, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: { Authorization: `Bearer ${house.token}`, "Content-Type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

/** The same for what must succeed; returns the body. */
export async function ask(house: House, path: string, body?: unknown, method?: string): Promise<any> {
  const answer = await call(house, path, body, method);
  if (answer.status >= 400) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Tells the service what became of a mail, as Resend does. */
export async function receipt(
  house: House,
  type: "delivered" | "bounced",
  { id: message_id, provider_id }: { id: string; provider_id: string },
): Promise<void> {
  const id = `msg_${randomBytes(12).toString("hex")}`;
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const created_at = new Date().toISOString();
  const payload = JSON.stringify({
    type: `email.${type}`,
    created_at,
    data: { email_id: provider_id, tags: { message_id } },
  });
  const key = Buffer.from(house.webhookSecret.replace("whsec_", ""), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.${payload}`).digest("base64");
  const response = await fetch(`${house.url}/webhooks/resend`, {
    method: "POST",
    headers: { "svix-id": id, "svix-timestamp": timestamp, "svix-signature": `v1,${mac}` },
    body: payload,
  });
  if (!response.ok) throw new Error(`receipt: ${response.status} ${await response.text()}`);
}
