"""CAIO's Phase 17 in FastAPI: the licensing router, and dependencies that guard routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Callable, Optional, Sequence

from fastapi import APIRouter, Body, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from .client import LicenseClient
from .entitlements import UNLIMITED
from .metrics import CONTENT_TYPE, openmetrics
from .facts import Status
from .loading import Loaded, load
from .times import DAY, SECOND, format_instant

#: How long a caller waits before it asks again if nobody can tell yet.
_ASK_AGAIN = {"Retry-After": "30"}


def attach(
    app: FastAPI,
    client: LicenseClient,
    *,
    prefix: str = "/license",
    metrics: bool = False,
    dependencies: Optional[Sequence[Any]] = None,
) -> None:
    """Adds the licensing router to an application and starts the client.

    :param metrics: whether to serve OpenMetrics at {prefix}/metrics, without `dependencies`
    :param dependencies: who may activate and read the status, e.g. [Depends(administrators_only)]
    """
    app.state.caio_license = client
    app.include_router(license_router(client, prefix=prefix), dependencies=dependencies)
    if metrics:
        app.include_router(metrics_router(client, prefix=prefix))
    client.start()


def license_router(client: LicenseClient, *, prefix: str = "/license") -> APIRouter:
    """POST {prefix}/activate and GET {prefix}/status.

    Activating answers within the client's `timeout`: 200 if the license is good, 400 if it is refused, and 503
    with the code PENDING if there is no answer yet; then the key is kept, and asked about in the background.
    """
    router = APIRouter(prefix=prefix, tags=["license"])

    # Plain functions: FastAPI runs them on a thread, where waiting for the network blocks nobody.
    @router.post("/activate")
    def activate(
        license_key: str = Body(...), instance_id: Optional[str] = Body(default=None)
    ) -> JSONResponse:
        try:
            loaded = load(client, license_key, instance_id)
        except ValueError as error:
            return _refusal("INSTANCE_ID_INVALID", str(error))
        if loaded.verdict == "refused":
            return _refusal(loaded.code, loaded.detail)
        if loaded.verdict == "pending":
            return _not_yet(loaded)
        return JSONResponse({"status": "activated", **present(client, loaded.status)})

    @router.get("/status")
    def status() -> JSONResponse:
        return JSONResponse(present(client, client.status()))

    return router


def metrics_router(client: LicenseClient, *, prefix: str = "/license") -> APIRouter:
    """GET {prefix}/metrics."""
    router = APIRouter(prefix=prefix, tags=["license"])

    @router.get("/metrics")
    def metrics() -> PlainTextResponse:
        return PlainTextResponse(openmetrics(client), media_type=CONTENT_TYPE)

    return router


def require_license(request: Request) -> Status:
    """A dependency: answers 403 if the license is refused, 503 if a strict installation cannot tell."""
    status = _client(request).status()
    if status.may_run:
        return status
    if status.state == "refused":
        raise HTTPException(403, status.detail)
    raise HTTPException(503, status.detail, headers=_ASK_AGAIN)


def require_feature(feature: str) -> Callable[[Request], Status]:
    """A dependency: like `require_license`, and 403 if the license lacks the feature."""

    def guard(request: Request) -> Status:
        status = require_license(request)
        if status.has_feature(feature):
            return status
        raise HTTPException(403, f"The license does not include {feature}.")

    return guard


def require_entitlement(code: str, amount: Optional[float] = None) -> Callable[[Request], Status]:
    """A dependency: like `require_license`, and 403 if the license lacks the entitlement, or allows less of it."""

    def guard(request: Request) -> Status:
        status = require_license(request)
        if status.allows(code, amount):
            return status
        wanted = code if amount is None else f"{amount} {code}"
        raise HTTPException(403, f"The license does not include {wanted}.")

    return guard


def count_request(*, enforce: bool = False) -> Callable[[Request], None]:
    """A dependency: counts a request. Usage above the limit is reported to the service but not refused,
    unless `enforce`: then it answers 429 until the UTC day is over.
    """

    def guard(request: Request) -> None:
        client = _client(request)
        limit = client.status().max_requests_per_day if enforce else None
        if limit is not None and client.requests_today() >= limit:
            left = -(-(DAY - client.now() % DAY) // SECOND)
            detail = f"The license allows {limit} requests a day."
            raise HTTPException(429, detail, headers={"Retry-After": str(left)})
        client.count_requests()

    return guard


def present(client: LicenseClient, status: Status) -> dict[str, Any]:
    """The status as JSON, with the names that Phase 17 reads (customer_id, expires_at)."""
    return {
        "state": status.state,
        "code": status.code,
        "detail": status.detail,
        "may_run": status.may_run,
        "warnings": list(status.warnings),
        "over_limit": list(status.over_limit),
        "until": _instant(status.until),
        "instance_id": client.instance_id,
        "license_id": status.license_id,
        "customer_id": status.customer_id,
        "license_type": status.license_type,
        "features": list(status.features),
        "max_instances": status.max_instances,
        "max_services": status.max_services,
        "max_requests_per_day": status.max_requests_per_day,
        "entitlements": {
            code: {"value": None if one.value == UNLIMITED else one.value, "until": _instant(one.until)}
            for code, one in status.entitlements.items()
        },
        "expires_at": _instant(status.license_expires_at),
        "grace_until": _instant(status.grace_until),
        "lease_expires_at": _instant(status.lease_expires_at),
        "requests_today": client.requests_today(),
        "candidate": status.candidate
        and {**vars(status.candidate), "since": _instant(status.candidate.since)},
        "last_failure": status.last_failure
        and {"at": _instant(status.last_failure.at), "reason": status.last_failure.reason},
    }


def _instant(at: Optional[datetime]) -> Optional[str]:
    return None if at is None else format_instant(round(at.timestamp() * 1000))


def _client(request: Request) -> LicenseClient:
    client = getattr(request.app.state, "caio_license", None)
    if not isinstance(client, LicenseClient):
        raise RuntimeError("attach(app, client) was not called")
    return client


def _refusal(code: Optional[str], detail: str) -> JSONResponse:
    return JSONResponse({"detail": detail, "code": code}, status_code=400)


def _not_yet(loaded: Loaded) -> JSONResponse:
    said = {"detail": loaded.detail, "code": loaded.code, "may_run": loaded.status.may_run}
    return JSONResponse(said, status_code=503, headers=_ASK_AGAIN)
