"""What the service is told about an installation, so that staff can recognize it."""

from __future__ import annotations

from typing import Any, Mapping

MAX_LABELS = 32


def about_installation(
    hostname: str | None,
    app_version: str | None,
    fingerprint: str | None,
    labels: Mapping[str, str] | None,
) -> dict[str, Any]:
    """Cut to the length that the service takes: a longer text would cost the installation its lease."""
    texts = {
        "hostname": _cut(hostname, 255),
        "app_version": _cut(app_version, 64),
        "fingerprint": _cut(fingerprint, 256),
    }
    about: dict[str, Any] = {name: text for name, text in texts.items() if text is not None}
    named = [(str(name)[:64], str(value)[:256]) for name, value in (labels or {}).items() if name]
    return {**about, "labels": dict(named[:MAX_LABELS])} if named else about


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else text[:length]
