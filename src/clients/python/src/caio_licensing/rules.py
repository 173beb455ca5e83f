"""What documents and time mean for the status. Pure: the same facts give the same status."""

from __future__ import annotations

from dataclasses import replace

from .claims import Certificate, LicenseKey
from .coverage import is_covered
from .drill import DRILL, is_drill
from .documents import IssuerMismatch, SigningKeyUnknown
from .entitlements import entitlements_at
from .facts import Candidate, CandidateStatus, Facts, LastFailure, Refusal, State, Status, Verdict, key_hash
from .holdings import Holdings, holdings, local_time, told_end, verified
from .times import DAY, HOUR, format_instant, to_datetime

#: How long a key may run that nobody vouched for, with the features of the trial that every service has.
UNVOUCHED = 72 * HOUR
TRIAL_FEATURES = ("orchestration",)

_UNVERIFIED = ("SIGNING_KEY_UNKNOWN", "ISSUER_MISMATCH")


def evaluate(facts: Facts, clock: int) -> Status:
    """The installation's status at `clock`, in milliseconds."""
    held = holdings(facts)
    now, clock_warnings = local_time(facts, held, clock)
    own, shown = judge(facts, held, now), facts
    # A candidate takes over if the license in force may not run. Nothing is given up for it: if the service
    # refuses it, the former license is in force again.
    if not _may_run(facts, own[0]) and (stand_in := _stand_in(facts, now)):
        held = holdings(stand_in)
        own, shown = judge(stand_in, held, now), stand_in
    verdict, warnings = own
    state, code, detail, until = verdict
    terms = held.certificate.terms if held.certificate and held.key else held.key.terms if held.key else None
    unvouched = terms is None and state == "indeterminate" and not shown.vouched
    certificate = held.certificate if terms else None
    warnings = {*facts.warnings, *warnings, *clock_warnings, *(() if facts.is_kept else ["STATE_NOT_KEPT"])}
    if terms and not is_covered(terms.updates_until, facts.built_at):
        warnings.add("UPDATE_NOT_COVERED")
    drills = is_drill(facts.trust.issuers)
    if drills:
        warnings.add(DRILL)
    told = _with_cause(facts, verdict, detail)
    failure = facts.last_failure
    return Status(
        state=state,
        code=code,
        detail=f"{DRILL}: {told}" if drills else told,
        may_run=_may_run(facts, verdict),
        warnings=tuple(sorted(warnings)),
        until=to_datetime(until),
        license_id=terms.license_id if terms else None,
        customer_id=terms.customer_id if terms else None,
        license_type=terms.license_type if terms else None,
        features=terms.features if terms else TRIAL_FEATURES if unvouched else (),
        max_instances=terms.max_instances if terms else None,
        max_services=terms.max_services if terms else None,
        max_requests_per_day=terms.max_requests_per_day if terms else None,
        license_expires_at=to_datetime(terms.license_expires_at if terms else None),
        grace_until=to_datetime(certificate.grace_until if certificate else None),
        lease_expires_at=to_datetime(certificate.lease_expires_at if certificate else None),
        check_in_at=to_datetime(certificate.check_in_at if certificate else None),
        next_check_in=to_datetime(facts.next_check_in),
        issued_at=to_datetime(held.key.issued_at if held.key else None),
        candidate=_candidate(facts),
        last_failure=failure and LastFailure(to_datetime(failure.at), failure.reason),
        updates_until=to_datetime(terms.updates_until if terms else None),
        over_limit=facts.over_limit if "OVER_LIMIT" in facts.warnings else (),
        entitlements=entitlements_at(terms.entitlements, now) if terms else {},
    )


def judge(facts: Facts, held: Holdings, now: int) -> tuple[Verdict, set[str]]:
    """The verdict on one key and one instance, and the warnings."""
    verdict, warnings = _judge(facts, held, now)
    if verdict[0] != "indeterminate":
        return verdict, warnings
    bound, warned = _bounded(facts, held, verdict, now)
    return bound, warnings | warned


def _judge(facts: Facts, held: Holdings, now: int) -> tuple[Verdict, set[str]]:
    if not facts.license_key:
        return ("refused", "LICENSE_KEY_MISSING", "No license key is installed.", None), set()
    unverified = isinstance(held.fault, (SigningKeyUnknown, IssuerMismatch))
    if held.fault and not unverified:
        marks = f".{MARKED}" if key_hash(facts.license_key) in facts.marked else "."
        return ("refused", "LICENSE_KEY_INVALID", f"The license key {held.fault}{marks}", None), set()
    lease = _lease(held.certificate, now) if held.certificate else None
    refusal, warnings = _standing_refusal(facts, held.key, now), set[str]()
    if refusal:
        # A wrong deployment of ours, or an attacker on the network, must not stop a fleet that holds certificates.
        if refusal.signed or lease is None or lease[0] not in ("entitled", "grace"):
            starts = held.key.starts_at if held.key and refusal.code == "LICENSE_NOT_STARTED" else None
            until = starts if starts and now < starts else None
            return ("refused", refusal.code, refusal.detail, until), set()
        warnings = {refusal.code}
    if held.key is None:
        return _unverified(facts, held), warnings
    revoked = _revoked(held.key, held, now)
    if revoked:
        return ("refused", revoked, "The revocation list names this license.", None), warnings
    return lease or _by_key(held.key, now), warnings


#: Added to the detail if a key had more than blanks around it. Nothing of the key is shown.
MARKED = " Quotes, a name in front, blanks or invisible characters in it were passed over."


def _unverified(facts: Facts, held: Holdings) -> Verdict:
    """The verdict on a key that no known key verifies."""
    if isinstance(held.fault, IssuerMismatch):
        # Undecided it might go on for as long as the drill's clock stands still.
        state: State = "refused" if is_drill(facts.trust.issuers) else "indeterminate"
        return state, "ISSUER_MISMATCH", f"The license key {held.fault}.", None
    # It may be good: often nothing is wrong but the network, over which the public keys would come.
    detail = "No key that is trusted here verifies the license key yet."
    if facts.pinned_only and not facts.vouched:
        return "refused", "SIGNING_KEY_UNKNOWN", f"{detail} Only pinned keys count here.", None
    return "indeterminate", "SIGNING_KEY_UNKNOWN", detail, None


def _bounded(facts: Facts, held: Holdings, verdict: Verdict, now: int) -> tuple[Verdict, set[str]]:
    """An outage stops nobody, but an outage does not last forever.

    Deadlines are in confirmed time: a wrong clock brings none of them nearer.
    """
    state, code, detail, until = verdict
    deadline = _deadline(facts, held, code)
    if deadline is None or facts.confirmed is None:
        return verdict, set()
    if facts.confirmed >= deadline:
        return ("refused", code, f"{detail} That was to be settled by {format_instant(deadline)}.", None), set()
    end = now + deadline - facts.confirmed
    told = f"{detail} Unless the service is heard it may run until {format_instant(end)}."
    return (state, code, told, end if until is None else min(until, end)), {"INDETERMINATE_ENDS"}


def _deadline(facts: Facts, held: Holdings, code: str | None) -> int | None:
    if code in _UNVERIFIED and not facts.vouched:
        return None if facts.seen_at is None else facts.seen_at + UNVOUCHED
    if facts.indeterminate_days is None:
        return None
    lease, ends = told_end(facts, held)
    known = [facts.seen_at] if lease is None else [lease, ends, facts.bounded_since]
    counted = [one for one in known if one is not None]
    return max(counted) + facts.indeterminate_days * DAY if counted else None


def _by_key(key: LicenseKey, now: int) -> Verdict:
    if key.starts_at is not None and now < key.starts_at:
        detail = f"The license starts at {format_instant(key.starts_at)}."
        return "refused", "LICENSE_NOT_STARTED", detail, key.starts_at
    ends = key.terms.license_expires_at
    if ends is not None and now >= ends:
        # It may have been renewed since the key was signed; only the service can tell.
        detail = f"The license key ended at {format_instant(ends)}, and the license was not activated since."
        return "indeterminate", "LICENSE_EXPIRED", detail, None
    return "indeterminate", "NOT_ACTIVATED", "The license was not activated yet.", ends


def _standing_refusal(facts: Facts, key: LicenseKey | None, now: int) -> Refusal | None:
    refusal = facts.refusal
    if refusal is None or refusal.key_sha256 != key_hash(facts.license_key or ""):
        return None
    # "Too early" ends some day.
    starts = key.starts_at if key else None
    if refusal.code == "LICENSE_NOT_STARTED" and starts and refusal.at < starts <= now:
        return None
    return refusal


def _revoked(key: LicenseKey, held: Holdings, now: int) -> str | None:
    listed, certificate = held.listed, held.certificate
    if listed is None or now >= listed.expires_at:
        return None
    if certificate and certificate.issued_at > listed.issued_at:
        return None
    license_id = key.terms.license_id
    if license_id in listed.revoked:
        return "LICENSE_REVOKED"
    if license_id in listed.suspended:
        return "LICENSE_SUSPENDED"
    return "LICENSE_KEY_SUPERSEDED" if listed.superseded.get(license_id, 0) > key.revision else None


def _lease(certificate: Certificate, now: int) -> Verdict:
    lease, grace = certificate.lease_expires_at, certificate.grace_until
    expires = certificate.terms.license_expires_at
    if grace is not None and now >= grace:
        detail = f"The license ended, grace and all, at {format_instant(grace)}."
        return "refused", "LICENSE_EXPIRED", detail, None
    if now >= lease:
        detail = f"The lease ended at {format_instant(lease)}; the service was not heard since."
        return "indeterminate", "LEASE_EXPIRED", detail, grace
    if expires is None or now < expires:
        return "entitled", None, "The license is good.", min(lease, expires or lease)
    detail = f"The license expired at {format_instant(expires)}; grace ends at {format_instant(grace)}."
    return "grace", None, detail, min(lease, grace or lease)


def _may_run(facts: Facts, verdict: Verdict) -> bool:
    return verdict[0] in ("entitled", "grace") or (verdict[0] == "indeterminate" and not facts.strict)


def _stand_in(facts: Facts, now: int) -> Facts | None:
    """The facts of a candidate that may take over: a trusted key verifies it, and it has started and not ended."""
    candidate = facts.candidate
    if candidate is None or candidate.state != "pending":
        return None
    key = verified(facts.trust.license_key, candidate.license_key)
    if key is None or now < (key.starts_at or 0):
        return None
    if key.terms.license_expires_at is not None and now >= key.terms.license_expires_at:
        return None
    return replace(facts, refusal=None, vouched=True, seen_at=candidate.seen_at, **named(facts, candidate))


def asking(facts: Facts) -> Facts:
    """The facts to ask the service, or its staff, about: a candidate that is not refused goes first."""
    candidate = facts.candidate
    if candidate is None or candidate.state != "pending":
        return facts
    return replace(facts, **named(facts, candidate))


def named(facts: Facts, candidate: Candidate) -> dict[str, str]:
    """The key and the instance that a candidate is about."""
    return {
        "license_key": candidate.license_key,
        "instance_id": candidate.instance_id or facts.instance_id,
    }


def _candidate(facts: Facts) -> CandidateStatus | None:
    candidate = facts.candidate
    if candidate is None:
        return None
    key = verified(facts.trust.license_key, candidate.license_key)
    return CandidateStatus(
        license_id=key.terms.license_id if key else None,
        state="pending" if candidate.state == "pending" else "refused",
        code=candidate.code,
        detail=candidate.detail,
        since=to_datetime(candidate.since),
    )


def _with_cause(facts: Facts, verdict: Verdict, detail: str) -> str:
    # Without the cause an operator would look for a fault in the key instead of the network.
    failed = facts.last_failure
    if verdict[0] != "indeterminate" or failed is None:
        return detail
    return f"{detail} The service was not heard at {format_instant(failed.at)}: {failed.reason}."
