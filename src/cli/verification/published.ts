// What a service publishes about its signatures; read without a token, since it is public.
import type { JSONWebKeySet } from "jose";
import { Client } from "../client.ts";

export interface Published {
  /** The issuer of what the keys sign, from a document of the service that they verify. */
  issuer: string;
  jwks: JSONWebKeySet;
}

export async function readPublished(url: string): Promise<Published> {
  const stranger = new Client({ url, token: null });
  const jwks = JSON.parse(await stranger.send({ path: "/.well-known/jwks.json" })) as JSONWebKeySet;
  const list = await stranger.send({ path: "/v1/revocations" });
  const { authenticateAs } = await import("./authenticity.ts");
  return { jwks, issuer: (await authenticateAs("revocations+jwt", list, { jwks, issuers: null })).issuer };
}
