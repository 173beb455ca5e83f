"""For pytest, which finds it by itself where the package is installed: the fixture `license_drill`."""

from __future__ import annotations

from typing import Iterator

import pytest

from . import LicenseDrill
from .fixtures import drill


@pytest.fixture
def license_drill() -> Iterator[LicenseDrill]:
    """A license service of its own for each test, with a clock in its hand."""
    yield from drill()
