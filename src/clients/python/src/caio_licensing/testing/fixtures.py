"""What a fixture of any test runner does."""

from __future__ import annotations

from typing import Iterator

from . import LicenseDrill


def drill() -> Iterator[LicenseDrill]:
    with LicenseDrill() as made:
        yield made
