"""A drill that is led from outside, a step a line, so that it can be compared with the service."""

from __future__ import annotations

import json
import sys

from caio_licensing.testing import LicenseDrill

with LicenseDrill() as drill:
    for line in sys.stdin:
        step, answer = json.loads(line), {}
        if not step:
            answer = {"url": drill.url, "now": round(drill.clock() * 1000)}
        if "issue" in step:
            answer = {"key": drill.issue(**step["issue"])}
        if "wait" in step:
            drill.advance(seconds=step["wait"])
        if "suspend" in step:
            drill.suspend()
        if "reinstate" in step:
            drill.reinstate()
        if "revoke" in step:
            drill.revoke()
        if "renew" in step:
            drill.renew(days=step["renew"])
        if "reissue" in step:
            answer = {"key": drill.reissue(unproven_hours=step["reissue"])}
        print(json.dumps(answer), flush=True)
