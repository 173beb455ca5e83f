// The service's answers as types, from the same declarations as its OpenAPI document.
import type * as z from "zod/mini";
import type * as access from "../http/admin/access/schemas.ts";
import type * as changes from "../http/admin/change-schemas.ts";
import type * as messages from "../http/admin/message-schemas.ts";
import type * as record from "../http/admin/record-schemas.ts";
import type * as schemas from "../http/admin/schemas.ts";
import type * as webhooks from "../http/admin/webhook-endpoints/schemas.ts";
import type { ProblemDocument as ProblemSchema } from "../http/schemas.ts";

type Schemas = typeof schemas &
  typeof access &
  typeof changes &
  typeof messages &
  typeof record &
  typeof webhooks;

type Shape<Name extends keyof Schemas> = Schemas[Name] extends z.core.$ZodType
  ? z.output<Schemas[Name]>
  : never;

export type ApiToken = Shape<"ApiToken">;
export type AuditSeal = Shape<"AuditSeal">;
export type Contact = Shape<"Contact">;
export type CorrectedUsage = Shape<"CorrectedUsage">;
export type Customer = Shape<"Customer">;
export type CustomerSuspension = Shape<"CustomerSuspension">;
export type EventDocument = Shape<"EventDocument">;
export type Imported = Shape<"Imported"> & Partial<Shape<"ImportedLicenses">>;
export type Instance = Shape<"Instance">;
export type IssuedLicense = Shape<"IssuedLicense">;
export type License = Shape<"License">;
export type LicenseFile = Shape<"LicenseFile">;
export type LicenseType = Shape<"LicenseType">;
export type LicenseUsage = Shape<"LicenseUsage">;
export type MadeEndpoint = Shape<"MadeEndpoint">;
export type MadeApiToken = Shape<"MadeApiToken">;
export type Me = Shape<"Me">;
export type Message = Shape<"Message">;
export type MessageWithPreview = Shape<"MessageWithPreview">;
export type OrderedChange = Shape<"OrderedChange">;
export type PendingChange = Shape<"PendingChange">;
export type Person = Shape<"Person">;
export type Preview = Extract<Shape<"LicenseOrPreview">, { dry_run: true }>;
export type ProblemDocument = z.output<typeof ProblemSchema>;
export type ReissuePreview = Shape<"ReissuePreview">;
export type RotatedSecret = Shape<"RotatedSecret">;
export type Retried = Shape<"Retried">;
export type SealStatus = Shape<"SealStatus">;
export type Statistics = Shape<"Statistics">;
export type WebhookDelivery = Shape<"WebhookDelivery">;
export type WebhookEndpoint = Shape<"WebhookEndpoint">;
