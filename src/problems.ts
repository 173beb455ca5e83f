// Every refusal of the service in one table. The HTTP layer turns a Problem into an RFC 9457 document;
// the domain only names the code and says, in `detail`, what is wrong in this case.
import "./wording.ts";
import type * as z from "zod/mini";

interface ProblemType {
  status: number;
  title: string;
  /** What the caller can do about it. Shown to customers, so it never names internals. */
  remedy: string;
  /** True if the same request may succeed later without anybody doing anything. */
  retryable?: true;
}

export const PROBLEMS = {
  LICENSE_KEY_INVALID: {
    status: 400,
    title: "The license key is not valid",
    remedy: "Use the license key exactly as it was delivered, or ask your vendor to send it again.",
  },
  UNAUTHENTICATED: {
    status: 401,
    title: "Credentials are missing or not valid",
    remedy: "Send a valid API token in the header Authorization: Bearer <token>.",
  },
  FORBIDDEN: {
    status: 403,
    title: "The credentials do not allow this",
    remedy: "Use credentials whose role allows this call, or ask an owner for the role.",
  },
  LICENSE_EXPIRED: {
    status: 403,
    title: "The license has expired",
    remedy: "Renew the license; the instance then continues with the key that it has.",
  },
  LICENSE_SUSPENDED: {
    status: 403,
    title: "The license is suspended",
    remedy: "Ask your vendor why the license is suspended and to reinstate it.",
  },
  LICENSE_REVOKED: {
    status: 403,
    title: "The license is revoked",
    remedy: "A revocation is final. Ask your vendor for a new license.",
  },
  LICENSE_NOT_STARTED: {
    status: 403,
    title: "The license has not started yet",
    remedy: "Try again once the license has started.",
    retryable: true,
  },
  LICENSE_KEY_SUPERSEDED: {
    status: 403,
    title: "The license key was replaced by a newer one",
    remedy: "Install the newest license key; your vendor can send it again.",
  },
  ACTIVATION_LIMIT_REACHED: {
    status: 403,
    title: "All seats of the license are taken",
    remedy:
      "Deactivate an instance that is no longer needed, wait until the lease of a lost one runs out, or ask your vendor for more instances.",
    retryable: true,
  },
  INSTANCE_CLONED: {
    status: 403,
    title: "Two places seem to use this instance id",
    remedy:
      "Give each installation an instance_id of its own. For a restarted installation, send the certificate that it holds, wait until the lease of the seat ends, or ask your vendor to clear the mark.",
    retryable: true,
  },
  CERTIFICATE_REQUIRED: {
    status: 403,
    title: "The certificate of the instance is required",
    remedy:
      "Send the last certificate that the instance received. Without it, the seat becomes free when its lease ends or when your vendor frees it.",
  },
  NOT_FOUND: {
    status: 404,
    title: "There is nothing here",
    remedy: "Check the address and the id; /docs lists every call.",
  },
  LICENSE_NOT_FOUND: {
    status: 404,
    title: "The license does not exist",
    remedy: "Check the license id, or use a key that this service issued.",
  },
  CUSTOMER_NOT_FOUND: {
    status: 404,
    title: "The customer does not exist",
    remedy: "Check the customer id, or create the customer first.",
  },
  INSTANCE_NOT_ACTIVATED: {
    status: 404,
    title: "The instance is not activated",
    remedy: "Activate the instance with its license key first.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: "The method is not allowed here",
    remedy: "Use one of the methods in the Allow header.",
  },
  CONFLICT: {
    status: 409,
    title: "The request conflicts with what is there",
    remedy: "Read the current state and decide again.",
  },
  INVALID_TRANSITION: {
    status: 409,
    title: "The license does not allow this in its current state",
    remedy: "Choose one of `allowed_transitions`.",
  },
  PRECONDITION_FAILED: {
    status: 412,
    title: "The resource changed since it was read",
    remedy: "Read the resource again, decide again, and send its new ETag.",
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    title: "The request body is too large",
    remedy: "Send less in one request.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: "The content type is not supported",
    remedy: "Send JSON with the header Content-Type: application/json; imports also take text/csv.",
  },
  REQUEST_INVALID: {
    status: 422,
    title: "The request is not valid",
    remedy: "Correct what `errors` lists and send the request again.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    title: "Another request was made under this Idempotency-Key",
    remedy: "Use a new key for a new request; send the same key only with exactly the same request.",
  },
  RATE_LIMITED: {
    status: 429,
    title: "Too many requests",
    remedy: "Wait as long as the Retry-After header says.",
    retryable: true,
  },
  INTERNAL: {
    status: 500,
    title: "The service failed unexpectedly",
    remedy: "Try again; if it persists, report the request id.",
    retryable: true,
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    title: "The service is not available right now",
    remedy: "Try again after the time in the Retry-After header; meanwhile, running instances keep running.",
    retryable: true,
  },
} as const satisfies Record<string, ProblemType>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One wrong member of a request; `path` is a JSON Pointer-like dotted path, empty for the whole. */
export interface FieldError {
  path: string;
  message: string;
}

/** Longer than any name in the API. A caller may send a license key as a name, and a key must not be repeated. */
const MAX_NAME = 64;

/** The path of a member, with long names cut off. */
export const pathOf = (parts: readonly PropertyKey[]): string =>
  parts.map((part) => String(part).slice(0, MAX_NAME)).join(".");

/** What a schema found wrong: one error for each wrong or unknown member. */
export const fieldErrors = (issues: readonly z.core.$ZodIssue[]): FieldError[] =>
  issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: "Unknown member" }))
      : [{ path: pathOf(issue.path), message: issue.message }],
  );

export interface ProblemExtras {
  errors?: FieldError[];
  /** If a limit is the reason: which limit, what it allows and what was observed. */
  limit?: string;
  allowed?: number;
  observed?: number;
  /** What the license's state allows instead. */
  allowed_transitions?: string[];
  /** The health of the service, if that is the reason; its members become members of the document. */
  health?: Record<string, unknown>;
  /** The refusal, signed (typ refusal+jwt), if an instance must be able to tell that it comes from this service. */
  refusal?: string;
  /** What the caller can do, where that is not what the table says of the code. */
  remedy?: string;
  /** Seconds after which a retry makes sense; becomes the Retry-After header. */
  retry_after?: number;
  /** The methods that the path supports; becomes the Allow header. */
  allow?: string[];
}

/** An expected refusal. Thrown by any layer, mapped to HTTP in one place, never logged as an error. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly extras: ProblemExtras;

  constructor(code: ProblemCode, detail?: string, extras: ProblemExtras = {}) {
    super(detail ?? `${PROBLEMS[code].title}.`);
    this.code = code;
    this.extras = extras;
  }

  get type(): ProblemType {
    return PROBLEMS[this.code];
  }
}

/** Refuses one member of a request for a reason that its schema cannot know. */
export const invalid = (path: string, message: string): Problem =>
  new Problem("REQUEST_INVALID", `${path}: ${message}`, { errors: [{ path, message }] });

/** Refuses a request and lists every fault. */
export const requestInvalid = (errors: FieldError[]): Problem =>
  new Problem(
    "REQUEST_INVALID",
    errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; "),
    { errors },
  );
