// Receivers of webhooks without a network: stand-ins behind fetch, which take, refuse, hang, and break off as told.
import { Webhook } from "standardwebhooks";
import { vi } from "vitest";
import { admin, rows } from "./service.ts";

interface Received {
  id: string;
  /** The exact bytes, as text. */
  body: string;
  headers: Record<string, string>;
  type: string;
  signal: AbortSignal;
  data: { event: Record<string, never>; object: Record<string, unknown> | null };
}

type Reply = (received: Received, n: number) => Response | Promise<Response>;

const NO_CONTENT: Reply = () => new Response(null, { status: 204 });

/** Ends when the caller gives up, as a fetch does. */
export const hanging = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));

/** Lets all waiting be so many times as fast, until the mocks are restored. */
export function hurry(times: number): void {
  const { setTimeout: wait } = globalThis;
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms: number) =>
    wait(work, ms / times)) as typeof setTimeout);
}

/** How each request treats a redirect. */
export const redirects: (string | undefined)[] = [];

const urls = new Map<string, { reply: Reply; got: Received[] }>();

/** From now on, requests go to the receivers. */
export function listen(): void {
  urls.clear();
  vi.stubGlobal("fetch", async (input: string, init: RequestInit): Promise<Response> => {
    const receiver = urls.get(input);
    if (!receiver) throw new TypeError(`no receiver at ${input}`);
    const headers = Object.fromEntries(new Headers(init.headers));
    const body = init.body as string;
    const { type, data } = JSON.parse(body) as Pick<Received, "type" | "data">;
    const received = { id: headers["webhook-id"]!, body, headers, type, data, signal: init.signal! };
    redirects.push(init.redirect);
    receiver.got.push(received);
    return receiver.reply(received, receiver.got.length);
  });
}

export interface Receiver {
  id: string;
  url: string;
  secret: string;
  /** Every request, the refused ones included. */
  got: Received[];
  ids: () => number[];
  reply: (reply: Reply) => void;
  /** The payload, after a check by a library that is not ours. @throws if it is forged */
  verify: (received: Received) => Record<string, unknown>;
  read: () => Promise<Record<string, never>>;
}

let serial = 0;

export async function newReceiver(
  input: Record<string, unknown> = {},
  reply = NO_CONTENT,
): Promise<Receiver> {
  const url = `https://hooks-${++serial}.acme.example/caio`;
  const receiver = { reply, got: [] as Received[] };
  urls.set(url, receiver);
  const { status, text, body } = await admin("/webhook-endpoints", {
    body: { url, events: ["*"], ...input },
  });
  if (status !== 201) throw new Error(text);
  const { id } = body.webhook_endpoint;
  return {
    id,
    url,
    secret: body.secret,
    got: receiver.got,
    ids: () => receiver.got.map((one) => Number(one.id)),
    reply: (next) => void (receiver.reply = next),
    verify: ({ body: payload, headers }) =>
      new Webhook(body.secret).verify(payload, headers) as Record<string, unknown>,
    read: async () => (await admin(`/webhook-endpoints/${id}`)).body,
  };
}

/** What one test adds must not be told of what the next ones do. */
export async function forgetReceivers(): Promise<void> {
  vi.unstubAllGlobals();
  await rows("DELETE FROM webhook_secrets");
  await rows("DELETE FROM webhook_deliveries");
  await rows("DELETE FROM webhook_endpoints");
}

export const lastEvent = async (): Promise<number> =>
  (await rows<{ id: number }>("SELECT coalesce(max(id), 0) AS id FROM events"))[0]!.id;
