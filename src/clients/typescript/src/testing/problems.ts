// The refusals of the service, as its installations see them.

const TEXTS = {
  LICENSE_KEY_INVALID: [
    400,
    "The license key is not valid",
    "Use the license key exactly as it was delivered, or ask your vendor to send it again.",
  ],
  LICENSE_EXPIRED: [
    403,
    "The license has expired",
    "Renew the license; the instance then continues with the key that it has.",
  ],
  LICENSE_SUSPENDED: [
    403,
    "The license is suspended",
    "Ask your vendor why the license is suspended and to reinstate it.",
  ],
  LICENSE_REVOKED: [
    403,
    "The license is revoked",
    "A revocation is final. Ask your vendor for a new license.",
  ],
  LICENSE_NOT_STARTED: [
    403,
    "The license has not started yet",
    "Try again once the license has started.",
    "retryable",
  ],
  LICENSE_KEY_SUPERSEDED: [
    403,
    "The license key was replaced by a newer one",
    "Install the newest license key; your vendor can send it again.",
  ],
  ACTIVATION_LIMIT_REACHED: [
    403,
    "All seats of the license are taken",
    "Deactivate an instance that is no longer needed, wait until the lease of a lost one runs out, or ask your vendor for more instances.",
    "retryable",
  ],
  CERTIFICATE_REQUIRED: [
    403,
    "The certificate of the instance is required",
    "Send the last certificate that the instance received. Without it, the seat becomes free when its lease ends or when your vendor frees it.",
  ],
  NOT_FOUND: [404, "There is nothing here", "Check the address and the id; /docs lists every call."],
  LICENSE_NOT_FOUND: [
    404,
    "The license does not exist",
    "Check the license id, or use a key that this service issued.",
  ],
  INSTANCE_NOT_ACTIVATED: [
    404,
    "The instance is not activated",
    "Activate the instance with its license key first.",
  ],
  METHOD_NOT_ALLOWED: [405, "The method is not allowed here", "Use one of the methods in the Allow header."],
  PAYLOAD_TOO_LARGE: [413, "The request body is too large", "Send less in one request."],
  UNSUPPORTED_MEDIA_TYPE: [
    415,
    "The content type is not supported",
    "Send JSON with the header Content-Type: application/json; imports also take text/csv.",
  ],
  REQUEST_INVALID: [
    422,
    "The request is not valid",
    "Correct what `errors` lists and send the request again.",
  ],
  SERVICE_UNAVAILABLE: [
    503,
    "The service is not available right now",
    "Try again after the time in the Retry-After header; meanwhile, running instances keep running.",
    "retryable",
  ],
} as const satisfies Record<string, readonly [number, string, string, "retryable"?]>;

export type ProblemCode = keyof typeof TEXTS;

export class Problem extends Error {
  override readonly name = "Problem";
  readonly code: ProblemCode;
  readonly more: Record<string, unknown>;
  readonly headers: Record<string, string>;

  constructor(
    code: ProblemCode,
    detail?: string,
    more: Record<string, unknown> = {},
    headers: Record<string, string> = {},
  ) {
    super(detail ?? `${TEXTS[code][1]}.`);
    this.code = code;
    this.more = more;
    this.headers = headers;
  }

  get status(): number {
    return TEXTS[this.code][0];
  }

  /** RFC 9457. */
  document(issuer: string): string {
    const [status, title, remedy, retryable] = TEXTS[this.code] as readonly [number, string, string, string?];
    return JSON.stringify({
      type: `${issuer}/docs#${this.code}`,
      title,
      status,
      detail: this.message,
      code: this.code,
      request_id: crypto.randomUUID(),
      retryable: retryable !== undefined,
      remedy,
      ...this.more,
    });
  }
}

export const invalid = (path: string, message: string): Problem =>
  new Problem("REQUEST_INVALID", path ? `${path}: ${message}` : message, { errors: [{ path, message }] });
