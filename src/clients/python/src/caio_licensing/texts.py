"""What counts as a license key, a text file, an address, an instance id. Pure, except the reading of a file.

People paste keys from mails, shells and tables, editors add invisible marks, and one address has many
spellings. None of that may cost an installation its license.
"""

from __future__ import annotations

import os
import re
import unicodedata
from urllib.parse import urlsplit

# Unicode's White_Space; `str.isspace` takes four control characters more.
_WHITE_SPACE = frozenset(
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
    "\u205f\u3000"
)
_BLANKS = "".join(_WHITE_SPACE)
_QUOTES = (('"', '"'), ("'", "'"), ("`", "`"), ("<", ">"))
# Blanks are gone by then: "export NAME=" has become "exportNAME=".
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
#: No key is this long, even with added marks; a longer text must not cause work.
_LONGEST = 65_536
#: A state with a year of usage and a long revocation list has less.
_LONGEST_FILE = 16 * 1024 * 1024
# Host names may have letters of all scripts.
_SERVICE = re.compile(r"""https?://(?:\[[0-9a-f:.]+\]|[^\s\x00-\x20\x7f/?#@:\[\]\\<>^`{|}%"]+)(?::(\d{1,5}))?(?:/\S*)?""")
_NO_SERVICE = "the url is no address of a service, which looks like https://licensing.example"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_BOMS_16 = (b"\xff\xfe", b"\xfe\xff")


def clean_key(text: str) -> str:
    """A license key without the marks that mail, shells and tables add to it.

    base64url and the dot contain none of these marks, so the signature still decides.
    """
    if len(text) > _LONGEST:
        return text
    key = "".join(one for one in text if not _is_invisible(one))
    start, end = 0, len(key)
    while True:
        before = start, end
        if end - start >= 2 and (key[start], key[end - 1]) in _QUOTES:
            start, end = start + 1, end - 1
        named = _NAME.match(key, start, end)
        if named:
            start = named.end()
        if (start, end) == before:
            return key[start:end]


def had_marks(text: str) -> bool:
    """Whether more than blanks around the key was removed."""
    return clean_key(text) != text.strip(_BLANKS)


def clean_instance_id(text: str) -> str:
    """Trimmed and NFC, as the service takes it: two spellings of one id must not take two seats."""
    return unicodedata.normalize("NFC", trim(text))


def is_instance_id(text: str) -> bool:
    """Whether the service accepts the cleaned id: 1 to 128 printable characters."""
    printable = all(unicodedata.category(one)[0] != "C" for one in clean_instance_id(text))
    return printable and 1 <= len(clean_instance_id(text)) <= 128


def trim(text: str) -> str:
    """Without the blanks and invisible characters at its ends."""
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def normal_address(text: str) -> str:
    """An address for comparing: scheme and host in lower case, without default port, trailing dot and slashes."""
    text = trim(text)
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return text
    scheme = parts.scheme.lower()
    if not host or not scheme:
        return text.rstrip("/")
    host = f"[{host}]" if ":" in host else host
    shown = "" if port is None or port == _DEFAULT_PORTS.get(scheme) else f":{port}"
    return f"{scheme}://{host}{shown}{parts.path.rstrip('/')}"


def address_fault(address: str) -> str | None:
    """Why no service can be asked at an address, which is in its normal form; None if it can. Nothing of it is
    repeated: it may hold a password.
    """
    found = _SERVICE.fullmatch(address)
    port = found and found.group(1)
    return _NO_SERVICE if found is None or (port and int(port) > 65_535) else None


def addresses(text: str) -> tuple[str, ...]:
    """A comma-separated list of addresses, each as it is compared."""
    found = (normal_address(one) for one in text.split(","))
    return tuple(dict.fromkeys(one for one in found if one))


def _is_invisible(one: str) -> bool:
    return one in _WHITE_SPACE or unicodedata.category(one) == "Cf"


def decode_text(data: bytes) -> str:
    """The text of a file, without a byte order mark.

    :raises ValueError: if it is not UTF-8; the message names UTF-16, which editors write by mistake
    """
    if data.startswith(_BOMS_16) or (len(data) >= 2 and data[0] + data[1] and 0 in data[:2]):
        raise ValueError("it is UTF-16; save it as UTF-8")
    return data.decode("utf-8-sig")


def read_text(path: str | os.PathLike[str]) -> str:
    """:raises OSError, ValueError: as for `decode_text`"""
    return decode_text(read_bytes(path))


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """At once, and not for ever: a pipe or an endless device in a file's place would keep the caller, and with it the
    start of an application.

    :raises OSError, ValueError:
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:  # fdopen does not close what it cannot take, such as a folder's
        with os.fdopen(handle, "rb", closefd=False) as stream:
            data = stream.read(_LONGEST_FILE + 1) or b""
    finally:
        os.close(handle)
    if len(data) > _LONGEST_FILE:
        raise ValueError("it is longer than any file of a license")
    return data
