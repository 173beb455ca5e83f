// The service's answers as types, from the same declarations as its OpenAPI document.
import type * as z from "zod/mini";
import type * as access from "../http/admin/access/schemas.ts";
import type * as backups from "../http/admin/backups/schemas.ts";
import type * as changes from "../http/admin/change-schemas.ts";
import type * as entitlements from "../http/admin/entitlements/schemas.ts";
import type * as erasure from "../http/admin/erasures/schemas.ts";
import type * as licenseEvents from "../http/admin/licenses/events.ts";
import type * as messages from "../http/admin/message-schemas.ts";
import type * as record from "../http/admin/record-schemas.ts";
import type * as overview from "../http/admin/overview.ts";
import type * as search from "../http/admin/search.ts";
import type * as schemas from "../http/admin/schemas.ts";
import type * as webhooks from "../http/admin/webhook-endpoints/schemas.ts";
import type { ProblemDocument as ProblemSchema } from "../http/schemas.ts";

type Schemas = typeof schemas &
  typeof access &
  typeof backups &
  typeof changes &
  typeof entitlements &
  typeof erasure &
  typeof licenseEvents &
  typeof messages &
  typeof overview &
  typeof record &
  typeof search &
  typeof webhooks;

type Shape<Name extends keyof Schemas> = Schemas[Name] extends z.core.$ZodType
  ? z.output<Schemas[Name]>
  : never;

export type ApiToken = Shape<"ApiToken">;
export type AuditSeal = Shape<"AuditSeal">;
export type Census = Shape<"Census">;
export type Contact = Shape<"Contact">;
export type CorrectedUsage = Shape<"CorrectedUsage">;
export type Customer = Shape<"Customer">;
export type CustomerRequest = Shape<"CustomerRequest">;
export type CustomerUsage = Shape<"CustomerUsage">;
export type CustomerSuspension = Shape<"CustomerSuspension">;
export type Entitlement = Shape<"Entitlement">;
export type Erasure = Shape<"Erasure">;
export type EventDocument = Shape<"EventDocument">;
export type Found = Shape<"Found">;
export type FinishedRestore = Shape<"FinishedRestore">;
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
export type OpenedBackup = Shape<"OpenedBackup">;
export type OrderedChange = Shape<"OrderedChange">;
export type PendingChange = Shape<"PendingChange">;
export type Person = Shape<"Person">;
export type Preview = Extract<Shape<"LicenseOrPreview">, { dry_run: true }>;
export type ProblemDocument = z.output<typeof ProblemSchema>;
export type Refusal = Shape<"Refusal">;
export type ReissuePreview = Shape<"ReissuePreview">;
export type RestoreReport = Shape<"RestoreReport">;
export type RotatedSecret = Shape<"RotatedSecret">;
export type Retried = Shape<"Retried">;
export type SealStatus = Shape<"SealStatus">;
export type Settled = Shape<"Settled">;
export type Statement = Shape<"Statement">;
export type SettledAttention = Shape<"SettledAttention">;
export type Statistics = Shape<"Statistics">;
export type StartedRestore = Shape<"StartedRestore">;
export type StoredBackup = Shape<"StoredBackup">;
export type Trouble = Shape<"TroubleDocument">;
export type VersionDay = Shape<"VersionDay">;
export type WebhookDelivery = Shape<"WebhookDelivery">;
export type WebhookEndpoint = Shape<"WebhookEndpoint">;
