"""A product with the five classic mistakes.

python bad.py PORT
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from caio_licensing import LicenseClient

blocked = Path(os.environ["CAIO_LICENSE_DIR"]).with_name("blocked")
status = LicenseClient().check_in()
if blocked.exists():  # caches for ever
    sys.exit("This customer was suspended once.")
if status.last_failure and "503" in status.last_failure.reason:  # treats a 5xx as refusal
    sys.exit("The license service refuses.")
if status.state == "grace":  # ignores grace
    sys.exit("The license has expired.")
if status.state == "refused":
    if status.code == "LICENSE_SUSPENDED":
        blocked.touch()
    sys.exit(status.detail)  # restarts on refusal


class Product(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # checks at start only
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Product).serve_forever()
