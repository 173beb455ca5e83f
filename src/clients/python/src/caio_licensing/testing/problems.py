"""The refusals of the service, as its installations see them."""

from __future__ import annotations

import json
import uuid
from typing import Any, Mapping

_TEXTS: dict[str, tuple[int, str, str, bool]] = {
    "LICENSE_KEY_INVALID": (
        400,
        "The license key is not valid",
        "Use the license key exactly as it was delivered, or ask your vendor to send it again.",
        False,
    ),
    "LICENSE_EXPIRED": (
        403,
        "The license has expired",
        "Renew the license; the instance then continues with the key that it has.",
        False,
    ),
    "LICENSE_SUSPENDED": (
        403,
        "The license is suspended",
        "Ask your vendor why the license is suspended and to reinstate it.",
        False,
    ),
    "LICENSE_REVOKED": (
        403,
        "The license is revoked",
        "A revocation is final. Ask your vendor for a new license.",
        False,
    ),
    "LICENSE_NOT_STARTED": (
        403,
        "The license has not started yet",
        "Try again once the license has started.",
        True,
    ),
    "LICENSE_KEY_SUPERSEDED": (
        403,
        "The license key was replaced by a newer one",
        "Install the newest license key; your vendor can send it again.",
        False,
    ),
    "ACTIVATION_LIMIT_REACHED": (
        403,
        "All seats of the license are taken",
        "Deactivate an instance that is no longer needed, wait until the lease of a lost one runs out, or ask your "
        "vendor for more instances.",
        True,
    ),
    "CERTIFICATE_REQUIRED": (
        403,
        "The certificate of the instance is required",
        "Send the last certificate that the instance received. Without it, the seat becomes free when its lease ends "
        "or when your vendor frees it.",
        False,
    ),
    "NOT_FOUND": (
        404,
        "There is nothing here",
        "Check the address and the id; /docs lists every call.",
        False,
    ),
    "LICENSE_NOT_FOUND": (
        404,
        "The license does not exist",
        "Check the license id, or use a key that this service issued.",
        False,
    ),
    "INSTANCE_NOT_ACTIVATED": (
        404,
        "The instance is not activated",
        "Activate the instance with its license key first.",
        False,
    ),
    "METHOD_NOT_ALLOWED": (
        405,
        "The method is not allowed here",
        "Use one of the methods in the Allow header.",
        False,
    ),
    "PAYLOAD_TOO_LARGE": (413, "The request body is too large", "Send less in one request.", False),
    "UNSUPPORTED_MEDIA_TYPE": (
        415,
        "The content type is not supported",
        "Send JSON with the header Content-Type: application/json; imports also take text/csv.",
        False,
    ),
    "REQUEST_INVALID": (
        422,
        "The request is not valid",
        "Correct what `errors` lists and send the request again.",
        False,
    ),
    "SERVICE_UNAVAILABLE": (
        503,
        "The service is not available right now",
        "Try again after the time in the Retry-After header; meanwhile, running instances keep running.",
        True,
    ),
}


class Problem(Exception):
    def __init__(
        self,
        code: str,
        detail: str | None = None,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.title, self._remedy, self._retryable = _TEXTS[code]
        self.code, self.detail = code, detail or f"{self.title}."
        self._more, self.headers = dict(more or {}), dict(headers or {})
        super().__init__(self.detail)

    def document(self, issuer: str) -> bytes:
        """RFC 9457."""
        members = {
            "type": f"{issuer}/docs#{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": str(uuid.uuid4()),
            "retryable": self._retryable,
            "remedy": self._remedy,
        }
        return json.dumps({**members, **self._more}).encode()


def invalid(path: str, message: str) -> Problem:
    detail = f"{path}: {message}" if path else message
    return Problem("REQUEST_INVALID", detail, {"errors": [{"path": path, "message": message}]})
