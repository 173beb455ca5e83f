"""The configuration of an installation: arguments first, then the environment."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from .coverage import BuiltAt, built_at_of
from .drill import FOLDER, is_drill, without_drill
from .texts import addresses, clean_instance_id, clean_key, is_instance_id, normal_address, read_text, trim

log = logging.getLogger("caio_licensing")

_DEFAULT_FOLDER = "~/.local/state/caio-license"
MAX_LEASE_HOURS = 8760


@dataclass(frozen=True)
class Settings:
    url: str | None
    #: In the form that is compared.
    issuers: tuple[str, ...]
    #: None if there is no home folder for it.
    folder: Path | None
    #: As it was given: perhaps blank.
    license_key: str | None
    license_key_file: Path | None
    instance_id: str | None
    lease_hours: int | None
    release: bool
    #: When the running version of the product was built.
    built_at: int | None


def settings_from(
    *,
    url: str | None,
    license_key: str | None,
    license_key_file: str | os.PathLike[str] | None,
    state_dir: str | os.PathLike[str] | None,
    issuer: str | None,
    instance_id: str | None,
    lease_hours: int | None,
    release: bool | None,
    built_at: BuiltAt | None,
) -> Settings:
    """:raises ValueError: for invalid arguments; invalid values in the environment are ignored"""
    told = trim(url or os.environ.get("CAIO_LICENSE_URL") or "")
    # A mistyped one is kept, and asked nothing: see HttpTransport.
    url = normal_address(told) or told or None
    named = addresses(issuer or os.environ.get("CAIO_LICENSE_ISSUER") or "")
    issuers = without_drill(named or ((url,) if url else ()))
    if not issuers:
        raise ValueError("Where is the license service? Give url or set CAIO_LICENSE_URL.")
    key, file = license_key, license_key_file
    if not clean_key(key or "") and file is None:
        key, file = os.environ.get("CAIO_LICENSE_KEY") or key, os.environ.get("CAIO_LICENSE_KEY_FILE")
    folder = _folder(state_dir)
    return Settings(
        url=url,
        issuers=issuers,
        folder=folder / FOLDER if folder and is_drill(issuers) else folder,
        license_key=key if clean_key(key or "") or not file else None,
        license_key_file=Path(file) if file else None,
        instance_id=_instance_id(instance_id),
        lease_hours=_lease_hours(lease_hours),
        release=_is_on("CAIO_LICENSE_RELEASE") if release is None else release,
        built_at=_built_at(built_at),
    )


def configured_text(settings: Settings) -> str | None:
    """The currently configured key, from the argument, the variable or the file. None if there is none.

    :raises OSError, ValueError: if the file cannot be read now
    """
    if settings.license_key or not settings.license_key_file:
        return settings.license_key
    return read_text(settings.license_key_file)


def pinned_by_environment() -> dict[str, Any] | None:
    """None if CAIO_LICENSE_KEYS names no file with a JWK Set: a file that was not mounted is no reason to stop."""
    file = os.environ.get("CAIO_LICENSE_KEYS", "").strip()
    if not file:
        return None
    try:
        keys = json.loads(read_text(file))
        if isinstance(keys, Mapping) and isinstance(keys.get("keys"), list):
            return dict(keys)
        fault = "it holds no JWK Set"
    except (OSError, ValueError, RecursionError) as error:
        fault = str(error)
    log.error("CAIO_LICENSE_KEYS is passed over, no keys are pinned: %s: %s", file, fault)
    return None


def _folder(state_dir: str | os.PathLike[str] | None) -> Path | None:
    try:
        return Path(state_dir or os.environ.get("CAIO_LICENSE_DIR") or _DEFAULT_FOLDER).expanduser()
    except RuntimeError:  # no HOME, and no entry for the user
        return None


def _instance_id(given: str | None) -> str | None:
    if given is not None:
        if not is_instance_id(given):
            raise ValueError("instance_id has 1 to 128 printable characters.")
        return clean_instance_id(given)
    told = clean_instance_id(os.environ.get("CAIO_LICENSE_INSTANCE_ID") or "")
    if told and not is_instance_id(told):
        log.error("CAIO_LICENSE_INSTANCE_ID is passed over: an instance id has 1 to 128 printable characters")
    return told if is_instance_id(told) else None


def _is_on(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in ("1", "true")


def _built_at(given: BuiltAt | None) -> int | None:
    if given is not None:
        if (at := built_at_of(given)) is None:
            raise ValueError("built_at is an RFC 3339 instant, an aware datetime, or a date")
        return at
    told = (os.environ.get("CAIO_BUILT_AT") or "").strip()
    at = built_at_of(told) if told else None
    if told and at is None:
        log.error("CAIO_BUILT_AT is passed over: it is an RFC 3339 instant or a date")
    return at


def _lease_hours(given: int | None) -> int | None:
    if given is not None:
        if not 1 <= given <= MAX_LEASE_HOURS:
            raise ValueError(f"lease_hours is from 1 to {MAX_LEASE_HOURS}")
        return given
    told = (os.environ.get("CAIO_LICENSE_LEASE_HOURS") or "").strip()
    if told.isascii() and told.isdigit() and 1 <= int(told[:9]) <= MAX_LEASE_HOURS:
        return int(told)
    if told:
        log.error("CAIO_LICENSE_LEASE_HOURS is passed over: it is a number from 1 to %s", MAX_LEASE_HOURS)
    return None
