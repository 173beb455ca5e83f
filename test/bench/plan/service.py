"""The first plan for this system, as it was written down: FastAPI, sqlite3, one row for each activation.

It has the tables and the queries of that plan, a connection for each query, and license keys that are checked by HMAC.
Rows are added at the end of a table that has no other index than its keys. The bench compares the service with it.

Usage: service.py DATABASE SECRET PORT
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import threading
import uuid
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT, company TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS licenses (
    id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, license_key TEXT UNIQUE NOT NULL, license_type TEXT NOT NULL,
    issued_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, expires_at TIMESTAMP, features TEXT, max_instances INTEGER,
    max_services INTEGER, max_requests_per_day INTEGER, status TEXT DEFAULT 'active',
    FOREIGN KEY (customer_id) REFERENCES customers(id));
CREATE TABLE IF NOT EXISTS license_activations (
    id TEXT PRIMARY KEY, license_id TEXT NOT NULL, activated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    instance_id TEXT, ip_address TEXT, FOREIGN KEY (license_id) REFERENCES licenses(id));
"""

DATABASE, SECRET, PORT = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])


def connect() -> "closing[sqlite3.Connection]":
    connection = sqlite3.connect(DATABASE)
    connection.row_factory = sqlite3.Row
    return closing(connection)


def signature(payload: str) -> str:
    return hmac.new(SECRET, payload.encode(), hashlib.sha256).hexdigest()


def load_license(key: str) -> dict[str, Any] | None:
    """What a license key says, if this service made it."""
    payload, _, mac = key.partition(".")
    if not hmac.compare_digest(mac, signature(payload)):
        return None
    metadata = json.loads(base64.urlsafe_b64decode(payload))
    ends = metadata["expires_at"]
    return None if ends is not None and datetime.fromisoformat(ends) < datetime.now() else metadata


def find_license(key: str) -> dict[str, Any] | None:
    with connect() as connection:
        row = connection.execute("SELECT * FROM licenses WHERE license_key = ?", (key,)).fetchone()
    return dict(row) if row else None


def expiring_licenses(days: int) -> list[dict[str, Any]]:
    with connect() as connection:
        rows = connection.execute(
            "SELECT * FROM licenses WHERE expires_at IS NOT NULL AND expires_at <= ? AND status = 'active'",
            (str(datetime.now() + timedelta(days=days)),),
        ).fetchall()
    return [dict(row) for row in rows]


app = FastAPI()


class Activation(BaseModel):
    license_key: str
    instance_id: str


class Activated(BaseModel):
    status: str
    customer_id: str
    expires_at: str | None


@app.post("/activate", response_model=Activated)
async def activate(asked: Activation, request: Request) -> Activated:
    metadata = load_license(asked.license_key)
    found = find_license(asked.license_key) if metadata else None
    if not metadata or not found:
        raise HTTPException(status_code=400, detail="Invalid license")
    with connect() as connection:
        connection.execute(
            "INSERT INTO license_activations (id, license_id, instance_id, ip_address) VALUES (?, ?, ?, ?)",
            (str(uuid.uuid4()), found["id"], asked.instance_id, request.client.host if request.client else None),
        )
        connection.commit()
    return Activated(
        status="activated", customer_id=metadata["customer_id"], expires_at=metadata["expires_at"]
    )


@app.get("/statistics")
async def statistics() -> dict[str, int]:
    with connect() as connection:
        total = connection.execute("SELECT COUNT(*) FROM licenses").fetchone()[0]
        active = connection.execute("SELECT COUNT(*) FROM licenses WHERE status = 'active'").fetchone()[0]
        expired = connection.execute(
            "SELECT COUNT(*) FROM licenses WHERE expires_at IS NOT NULL AND expires_at < ?",
            (str(datetime.now()),),
        ).fetchone()[0]
    return {
        "total": total,
        "active": active,
        "expired": expired,
        "expiring_soon": len(expiring_licenses(30)),
    }


@app.get("/expiring")
async def expiring(days: int = 30) -> list[dict[str, Any]]:
    return expiring_licenses(days)


def fill() -> None:
    """Adds what comes as lines of JSON: id, customer_id, license_type, status, expires_at, and its instances."""
    customers, licenses, activations = set(), [], []
    for line in sys.stdin:
        row = json.loads(line)
        ends = row["expires_at"]
        expires_at = None if ends is None else str(datetime.fromtimestamp(ends / 1000))
        claims = {"id": row["id"], "customer_id": row["customer_id"], "expires_at": expires_at}
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
        key = f"{payload}.{signature(payload)}"
        customers.add(row["customer_id"])
        licenses.append(
            (row["id"], row["customer_id"], key, row["license_type"], expires_at, '["orchestration","api"]', row["status"])
        )
        activations += [(str(uuid.uuid4()), row["id"], f"seat-{n}", "192.0.2.1") for n in range(row["instances"])]
        if row["wanted"]:
            print(key)
    with connect() as connection:
        connection.executescript(SCHEMA)
        connection.executemany("INSERT INTO customers (id, name) VALUES (?, ?)", [(id, id) for id in customers])
        connection.executemany(
            "INSERT INTO licenses (id, customer_id, license_key, license_type, expires_at, features, status)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            licenses,
        )
        connection.executemany(
            "INSERT INTO license_activations (id, license_id, instance_id, ip_address) VALUES (?, ?, ?, ?)",
            activations,
        )
        connection.commit()


def end_with_the_bench() -> None:
    sys.stdin.read()
    os._exit(0)


if PORT == 0:
    fill()
else:
    threading.Thread(target=end_with_the_bench, daemon=True).start()
    # Its callers keep their connections while others take their turns.
    uvicorn.run(
        app, host="127.0.0.1", port=PORT, log_level="warning", access_log=False, timeout_keep_alive=3600
    )
