"""Requests as they arrive, read as the service reads them. Each raises Problem for what cannot be read."""

from __future__ import annotations

import json
import re
from typing import Any, Mapping

from ..texts import clean_instance_id, is_instance_id
from ..times import is_day
from .problems import Problem, invalid
from .used import Day

_JSON = re.compile(r"application/(?:[\w.-]+\+)?json\s*(?:;|$)", re.IGNORECASE)


def body_of(data: bytes, content_type: str) -> Mapping[str, Any]:
    if not _JSON.match(content_type.strip()):
        raise Problem("UNSUPPORTED_MEDIA_TYPE")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise invalid("", "The body is not JSON in UTF-8") from error
    if not isinstance(body, dict):
        raise invalid("", "Must be an object")
    return body


def required_text(body: Mapping[str, Any], name: str) -> str:
    if not isinstance(value := body.get(name), str):
        raise invalid(name, "Must be a text")
    return value


def text_of(body: Mapping[str, Any], name: str) -> str | None:
    """A member that may be left out; null counts as left out."""
    return None if body.get(name) is None else required_text(body, name)


def instance_id_of(body: Mapping[str, Any]) -> str:
    given = required_text(body, "instance_id")
    if not is_instance_id(given):
        raise invalid("instance_id", "Must be 1 to 128 printable characters")
    return clean_instance_id(given)


def lease_hours_of(body: Mapping[str, Any]) -> int | None:
    hours = body.get("lease_hours")
    if hours is None:
        return None
    if not isinstance(hours, int) or isinstance(hours, bool) or not 1 <= hours <= 8760:
        raise invalid("lease_hours", "Must be a whole number from 1 to 8760")
    return hours


def usage_of(body: Mapping[str, Any]) -> list[Day]:
    usage = [] if body.get("usage") is None else body["usage"]
    if not isinstance(usage, list):
        raise invalid("usage", "Must be a list")
    return [_day(one if isinstance(one, dict) else {}, f"usage.{at}") for at, one in enumerate(usage)]


def _day(day: Mapping[str, Any], path: str) -> Day:
    told = day.get("date")
    if not isinstance(told, str) or not is_day(told):
        raise invalid(f"{path}.date", "Must be a date (2027-01-31)")
    return Day(told, _figure(day, "requests", path), _figure(day, "services", path))


def _figure(day: Mapping[str, Any], name: str, path: str) -> int:
    value = day.get(name)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise invalid(f"{path}.{name}", "Must be a whole number from 0")
    return value
