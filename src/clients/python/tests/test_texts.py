"""What counts as a key, an address, an id and a text: one rule each."""

from __future__ import annotations

import time
import unicodedata
import unittest

from caio_licensing.texts import (
    addresses,
    clean_instance_id,
    clean_key,
    decode_text,
    had_marks,
    is_instance_id,
    normal_address,
)


class TextTest(unittest.TestCase):
    def test_what_is_put_around_and_into_a_key_is_taken_off(self) -> None:
        key = "eyJ0.eyJq-_x.c2ln"
        for given in (
            f"\ufeff{key}\r\n",
            f"{key[:5]}\r\n{key[5:]}",
            f"{key[:5]} \u00a0\u3000\u2028{key[5:]}\u200b\u00ad\u200e",
            f'"{key}"',
            f"'{key}'",
            f"`{key}`",
            f"<{key}>",
            f"CAIO_LICENSE_KEY={key}",
            f'export CAIO_LICENSE_KEY="{key}"\n',
            f"'\"LICENSE='{key}'\"'",
            f" A = B = {key} ",
        ):
            with self.subTest(given):
                self.assertEqual(clean_key(given), key)
        for kept in (f'"{key}', f"{key}'", f"“{key}”", f"1A={key}", f"\x1c{key}", f"({key})", f"a-b={key}"):
            with self.subTest(kept):
                self.assertEqual(clean_key(kept), kept)
        nothing = ("", " ", '""', "A=", "<>", "''''", "export A=\"\"")
        self.assertEqual([clean_key(text) for text in nothing], [""] * len(nothing))

    def test_what_is_far_too_long_is_no_key_and_keeps_nobody_busy(self) -> None:
        begin = time.monotonic()
        for text in ('"' * 60_000, "A=" * 30_000, '"' * 10_000_000, "A=" * 5_000_000):
            clean_key(text)
        self.assertLess(time.monotonic() - begin, 5)

    def test_blanks_around_a_key_are_no_marks(self) -> None:
        marks = {" a.b.c\n": False, "\u3000a.b.c": False, '"a.b.c"': True, "a. b.c": True, "A=a.b.c": True}
        self.assertEqual({text: had_marks(text) for text in marks}, marks)

    def test_ids_are_trimmed_and_composed(self) -> None:
        for given in ("hostname-1", "hostname-1 ", "\ufeffhostname-1\r\n", "\u200bhostname-1\u00a0"):
            self.assertEqual(clean_instance_id(given), "hostname-1")
        self.assertEqual(clean_instance_id(unicodedata.normalize("NFD", "münchen")), "münchen")
        fits = {"a": True, "": False, " ": False, "a\x00": False, "a\u200bb": False}
        fits.update({"x" * 128: True, "x" * 128 + " ": True, "x" * 129: False})
        self.assertEqual({text: is_instance_id(text) for text in fits}, fits)

    def test_addresses_are_compared_by_one_rule(self) -> None:
        for given in (
            "https://l.example",
            " https://l.example/\n",
            "HTTPS://L.Example",
            "https://l.example:443//",
            "https://l.example.",
            "\ufeffhttps://l.example:443",
        ):
            self.assertEqual(normal_address(given), "https://l.example")
        same = {
            "http://l.example:80/a/": "http://l.example/a",
            "https://l.example:8443": "https://l.example:8443",
            "https://l.example/Path": "https://l.example/Path",
            "http://[::1]:8787/": "http://[::1]:8787",
            "https://user:secret@l.example/path/?a=1#b": "https://l.example/path",
            "https://l.\r\nexample": "https://l.example",
            "http://127.0.0.1:8787": "http://127.0.0.1:8787",
            "acme/": "acme",
            "https://l.example:none": "https://l.example:none",
        }
        self.assertEqual({given: normal_address(given) for given in same}, same)
        listed = addresses(" https://A.example, https://b.example/,,https://a.example ")
        self.assertEqual(listed, ("https://a.example", "https://b.example"))

    def test_a_mark_before_a_text_is_none_of_it_and_utf_16_is_named(self) -> None:
        self.assertEqual(decode_text(b"\xef\xbb\xbf{}"), "{}")
        for text in ("\ufeff{}".encode("utf-16-le"), "{}".encode("utf-16-le"), "{}".encode("utf-16-be")):
            with self.assertRaisesRegex(ValueError, "UTF-16"):
                decode_text(text)


if __name__ == "__main__":
    unittest.main()
