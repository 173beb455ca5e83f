"""An application that counts on one thread and checks in on others, for as long as it is told to.

Prints a line of JSON for each check-in; reads `stop` on standard input, then checks in until it is heard and
ends with what it counted. Run by the tests, which take the service away meanwhile.
"""

from __future__ import annotations

import json
import sys
import threading
import time

from caio_licensing import LicenseClient


def say(**values: object) -> None:
    print(json.dumps(values), flush=True)


def main(url: str, folder: str, license_key: str) -> None:
    client = LicenseClient(url, license_key, state_dir=folder, flush_interval=0.05, timeout=2.0).start()
    stop = threading.Event()
    counted = 0

    def work() -> None:
        nonlocal counted
        while not stop.wait(0.002):
            client.count_requests()
            counted += 1

    def listen() -> None:
        sys.stdin.readline()
        stop.set()

    worker = threading.Thread(target=work)
    worker.start()
    threading.Thread(target=listen, daemon=True).start()
    while not stop.wait(0.2):
        status = client.check_in()
        say(state=status.state, failures=client.folder.read().failures, counted=counted)
    worker.join()
    while client.check_in().state != "entitled" or client.folder.read().failures:
        time.sleep(0.2)
    client.close()
    say(total=counted)


if __name__ == "__main__":
    main(*sys.argv[1:])
