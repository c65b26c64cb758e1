"""Run on a network of its own: starts a Bento as its image does, and asks it from a second address of the machine."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

OUTSIDE = "192.0.2.7"
"""Of the block for documentation, and an address of this machine alone (RFC 5737)."""
PORT = "3000"
ROUTE = "/api/payment/analytics/customers/user_123/revenue"
START_SECONDS = 120


def ask(host: str, path: str = ROUTE, key: str = "") -> list[object]:
    """The status, the encoding and the customer of an answer."""
    address = f"http://{host}:{PORT}{path}"
    request = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})  # our own
    if key:
        request.add_header("X-API-Key", key)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310  # our own
            body, encoding = response.read(), response.headers.get("Content-Encoding", "")
    except urllib.error.HTTPError as refused:
        return [refused.code]
    text = gzip.decompress(body) if encoding == "gzip" else body
    return [200, encoding, json.loads(text)["customer_id"] if path == ROUTE else ""]


def wait_until_ready() -> None:
    """Wait for the first answer."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        try:
            if ask("127.0.0.1", "/livez")[0] == 200:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.2)
    sys.exit("the container did not start")


def main() -> None:
    """Ask without and with keys, and print what was answered."""
    for words in (["link", "set", "lo", "up"], ["address", "add", f"{OUTSIDE}/32", "dev", "lo"]):
        subprocess.run(["ip", *words], check=True)
    with subprocess.Popen(["env/docker/entrypoint.sh"], stdout=sys.stderr) as container:
        try:
            wait_until_ready()
            found = {"from the machine, without keys": ask("127.0.0.1")}
            found["from outside, without keys"] = ask(OUTSIDE)
            command = [sys.executable, "-m", "customer_revenue", "keys", "add", "outside", "--scope", "read"]
            source = {**os.environ, "PYTHONPATH": str(Path("src").resolve())}
            added = subprocess.run(command, check=True, capture_output=True, text=True, env=source)
            key = added.stdout.split()[-1]
            found["from outside, with a key"] = ask(OUTSIDE, key=key)
            found["from outside, without the key"] = ask(OUTSIDE)
        finally:
            container.terminate()
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
