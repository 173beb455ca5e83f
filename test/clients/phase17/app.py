"""A CAIO of Phase 17 as small as can be: a licensing router, a guarded route, a limit on requests, metrics."""

import os

from fastapi import Body, Depends, FastAPI

from caio_licensing import LicenseClient, LicenseValidator
from caio_licensing.fastapi import attach, count_request, require_feature, require_license

client = LicenseClient(
    os.environ["CAIO_LICENSE_URL"], flush_interval=0.2, timeout=float(os.environ.get("TIMEOUT", "10"))
)
app = FastAPI()
attach(app, client, prefix="/api/v1/licensing", metrics=True)
enforced = os.environ.get("ENFORCE_REQUEST_LIMIT") == "1"


@app.get(
    "/flows",
    dependencies=[Depends(require_feature("orchestration")), Depends(count_request(enforce=enforced))],
)
def flows() -> dict[str, list[str]]:
    return {"flows": []}


@app.get("/time-machine", dependencies=[Depends(require_feature("time-travel"))])
def time_machine() -> dict[str, str]:
    return {"now": "then"}


@app.get("/open", dependencies=[Depends(require_license)])
async def open_to_licensed() -> dict[str, bool]:
    return {"open": True}


@app.get("/metadata")
def metadata() -> dict[str, object]:
    found = LicenseValidator(client).license_metadata
    return {} if found is None else {"customer_id": found.customer_id, "max_instances": found.max_instances}


@app.post("/load")
def load(license_key: str = Body(..., embed=True)) -> dict[str, object]:
    valid, error = LicenseValidator(client).load_license(license_key)
    return {"valid": valid, "error": error}


@app.post("/load-async")
async def load_async(license_key: str = Body(..., embed=True)) -> dict[str, object]:
    valid, error = await LicenseValidator(client).load_license_async(license_key)
    return {"valid": valid, "error": error}
