"""A product that behaves: it asks its license at each request, stays up when refused, and says why.

python good.py PORT
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from caio_licensing import LicenseClient

client = LicenseClient()
client.check_in()
client.start()


class Product(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status = client.status()
        self.send_response(200 if status.may_run else 403)
        self.end_headers()
        self.wfile.write(status.detail.encode())

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Product).serve_forever()
