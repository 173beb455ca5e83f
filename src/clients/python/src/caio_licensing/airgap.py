"""Installations without a network: a request file goes out, a license file comes back, a receipt ends it."""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from .answers import grant_of
from .claims import Certificate
from .documents import DocumentInvalid, SigningKeyUnknown, claim_of
from .facts import Status, key_hash
from .files import hand_over
from .grants import take_grant
from .holdings import is_usable, proof, seat, usable_certificate
from .owed import owe
from .rules import asking
from .texts import clean_key, read_text
from .times import SECOND, day_of
from .usage import acknowledge, portion, report, tell_anew, usage_for

if TYPE_CHECKING:
    from .client import LicenseClient

#: How many requests are kept whose answer may still come.
_REMEMBERED = 3


class LicenseFileError(Exception):
    """The file is not valid for this installation; the message says why."""


def write_activation_request(client: LicenseClient, path: str | os.PathLike[str]) -> None:
    """Writes what staff need to make a license file, with the usage since the last one.

    :raises LicenseFileError: if no license key is installed, or instance.key.json is broken
    :raises OSError: if the file or the state folder cannot be written
    """
    client.flush()
    nonce = secrets.token_urlsafe(16)
    # If a request is forgotten, its answer is refused.
    with client.folder.update(lasting=True) as state:
        facts = asking(client.facts())
        if not facts.license_key:
            raise LicenseFileError("No license key is installed.")
        usage = portion(usage_for(state, claim_of(facts.license_key, "jti")))
        waiting = [*state.offline_requests, {"nonce": nonce, "usage": usage}]
        state.offline_requests = waiting[-_REMEMBERED:]
        key = _instance_key(client)
        request = {
            "license_key": facts.license_key,
            "instance_id": facts.instance_id,
            **client.about,
            "nonce": nonce,
            "public_key": _public_half(key),
            "proof": _prove(key, facts.instance_id, nonce, client.now()),
            "usage": report(usage),
            "certificate": proof(facts),
        }
    hand_over(Path(path), json.dumps({k: v for k, v in request.items() if v is not None}, indent=2))


def load_license_file(client: LicenseClient, path: str | os.PathLike[str]) -> Status:
    """Loads a .caio-license file. If the file is not good, the stored documents stay. Loading the last file
    again changes nothing.

    :raises LicenseFileError: if it is not for this installation, forged, or older than the stored documents
    """
    try:
        content = json.loads(read_text(path))
        key_text, certificate_text = clean_key(content["license_key"]), content["certificate"].strip()
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise LicenseFileError(f"The license file cannot be read: {error}") from error
    trust = client.facts().trust
    try:
        key, certificate = trust.license_key(key_text), trust.certificate(certificate_text)
    except (DocumentInvalid, SigningKeyUnknown) as error:
        raise LicenseFileError(f"A document in the license file {error}.") from error
    license_id, digest = key.terms.license_id, key_hash(certificate_text)
    name = certificate.instance_id
    if name not in (client.instance_id, asking(client.facts()).instance_id):
        raise LicenseFileError(f"The license file is for the instance {name}.")
    if certificate.terms.license_id != license_id:
        raise LicenseFileError("The documents in the license file are of two licenses.")
    with client.folder.update() as state:
        # For example at each start; what came online since is newer.
        if state.certificate and digest in (state.license_file_sha256, key_hash(state.certificate)):
            state.license_file_sha256 = digest
            return client.status()
        if state.license_file_sha256 is None and _was_installed(client, certificate):
            return client.status()
        requests = [one["nonce"] for one in state.offline_requests]
        if certificate.nonce is not None and certificate.nonce not in requests:
            raise LicenseFileError("The license file answers a request that this installation did not make.")
        held = usable_certificate(client.facts())
        if held and is_usable(held, license_id, name) and certificate.issued_at < held.issued_at:
            raise LicenseFileError("The license file is older than the one that is installed.")
        granted = grant_of(key_text, certificate_text, certificate, content)
        former = seat(client.facts())
        take_grant(state, trust, granted, client.now(), client.chance())
        owe(state, former, {"license_key": key_text, "instance_id": name})
        state.installed_key_sha256, state.license_file_sha256 = key_hash(key_text), digest
        if name != client.instance_id:
            state.instance_id = name
            tell_anew(state)
        if state.candidate and claim_of(state.candidate.license_key, "jti") == license_id:
            state.candidate = None
        for request in state.offline_requests:
            if request["nonce"] == certificate.nonce:
                acknowledge(state, request["usage"], day_of(certificate.issued_at), granted.usage_ignored)
        state.offline_requests = [r for r in state.offline_requests if r["nonce"] != certificate.nonce]
    return client.status()


def _was_installed(client: LicenseClient, certificate: Certificate) -> bool:
    """Whether a client of before, which noted no file, loaded this one: it is of the seat and the key held here."""
    held = usable_certificate(client.facts())
    if held is None or held.activation_id != certificate.activation_id:
        return False
    if held.issued_at <= certificate.issued_at:
        return False
    file = client.folder.path / "instance.key.json"
    return file.exists() and (certificate.public_key or {}).get("x") == _public_half(_instance_key(client))["x"]


def write_deactivation_receipt(client: LicenseClient, path: str | os.PathLike[str]) -> None:
    """Signs that this installation has stopped, and forgets key and certificate.

    :raises LicenseFileError: if no certificate of a license file is stored, or instance.key.json is broken
    :raises OSError: if the receipt cannot be written; then nothing is forgotten
    """
    certificate = usable_certificate(client.facts())
    if certificate is None:
        raise LicenseFileError("This installation is not activated.")
    with client.folder.update(lasting=True):
        key = _instance_key(client)
    if (certificate.public_key or {}).get("x") != _public_half(key)["x"]:
        raise LicenseFileError("The certificate was not asked for by a request file of this installation.")
    receipt = _sign(key, "deactivation+jwt", {"certificate": proof(client.facts())})
    # On disk before anything is forgotten: without it the seat could no longer be given back.
    hand_over(Path(path), receipt + "\n")
    client.forget()


def _prove(key: Ed25519PrivateKey, instance_id: str, nonce: str, now: int) -> str:
    """Proves that the requester has the private key: nobody else gets a file for this instance."""
    claims = {"instance_id": instance_id, "nonce": nonce, "iat": now // SECOND}
    return _sign(key, "activation-request+jwt", claims)


def _sign(key: Ed25519PrivateKey, typ: str, claims: dict[str, Any]) -> str:
    payload = json.dumps(claims).encode()
    return jwt.PyJWS().encode(payload, key, algorithm="EdDSA", headers={"typ": typ})  # type: ignore[arg-type]


def _instance_key(client: LicenseClient) -> Ed25519PrivateKey:
    """The installation's own key, made when first needed, under the folder's lock. It is never shown."""
    file = client.folder.path / "instance.key.json"
    try:
        return Ed25519PrivateKey.from_private_bytes(_decode(json.loads(read_text(file))["d"]))
    except FileNotFoundError:
        key = Ed25519PrivateKey.generate()
    except (ValueError, LookupError, TypeError) as error:
        # A broken key is not replaced: certificates name it.
        raise LicenseFileError(f"{file} holds no key: {error}") from error
    d = _encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
    client.folder.write_file(file.name, json.dumps({**_public_half(key), "d": d}))
    return key


def _public_half(key: Ed25519PrivateKey) -> dict[str, Any]:
    x = _encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
