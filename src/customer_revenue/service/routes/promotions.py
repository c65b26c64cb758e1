"""``/payment/analytics/models``: the trained versions, and which of them answers."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from pydantic_core import to_json
from starlette.background import BackgroundTask

from customer_revenue.errors import InvalidParameter, ModelError
from customer_revenue.service.responses.version_list import ChampionAnswer, VersionList
from customer_revenue.service.routes.common import json_response
from customer_revenue.settings import RegistryOptions
from customer_revenue.workflows.customers.posted_orders import StrictRequest
from customer_revenue.workflows.registry.bundles import current_version
from customer_revenue.workflows.registry.champion import Change, promote, rollback
from customer_revenue.workflows.registry.delivery_child import deliver_in_child
from customer_revenue.workflows.training.versions import change_rows, version_rows

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/payment/analytics/models", tags=["models"])

NO_KEY = "this machine"
"""Who made a change, where the service has no keys."""

Why = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


async def registry_options(
    request: Request,
) -> RegistryOptions:  # async, since FastAPI runs other functions in a thread
    """Dependency: where the models are."""
    options: RegistryOptions = request.app.state.registry
    return options


async def requester(request: Request) -> str:
    """Dependency: the name of the key that asks."""
    return getattr(request.state, "key_name", NO_KEY)


Registry = Annotated[RegistryOptions, Depends(registry_options)]
By = Annotated[str, Depends(requester)]


class PromotionRequest(StrictRequest):
    """The version that is to answer from now on."""

    version: str | None = Field(
        default=None, max_length=200, description="The version; by default the one judged last.", examples=[None]
    )
    why: Why = Field(default="", description="Reason, recorded with the change.", examples=["better in spring"])
    force: bool = Field(
        default=False, strict=True, description="Promote a version that the gate refused; needs a reason."
    )


class RollbackRequest(StrictRequest):
    """Why the champion before the present one is to answer again."""

    why: Annotated[Why, Field(min_length=1)] = Field(
        description="Reason, recorded with the change.", examples=["too many discounts"]
    )


@router.get("", response_model=VersionList, summary="The trained versions", operation_id="models")
def versions(registry: Registry) -> Response:
    """The versions with the gate's verdict, the newest first, and who changed the champion, the last change first."""
    changes = change_rows(registry.models)
    return json_response({"success": True, "versions": version_rows(registry.models), "changes": changes})


@router.post("/promote", response_model=ChampionAnswer, summary="Let a version answer", operation_id="models_promote")
def promote_version(wanted: PromotionRequest, registry: Registry, by: By) -> Response:
    """Make a version that passed the gate the champion; needs the scope `admin`. Workers take it up within seconds."""
    known = [str(row["version"]) for row in version_rows(registry.models)]
    if wanted.version is not None and wanted.version not in known:
        raise InvalidParameter("version: there is no such version", [f"versions: {', '.join(known) or 'none'}"])
    with _recorded():
        return _answer(registry, promote(registry, wanted.version, wanted.why, by=by, force=wanted.force))


@router.post(
    "/rollback", response_model=ChampionAnswer, summary="Take the last promotion back", operation_id="models_rollback"
)
def roll_back(wanted: RollbackRequest, registry: Registry, by: By) -> Response:
    """Make the champion before the present one the champion again; needs the scope `admin`."""
    with _recorded():
        return _answer(registry, rollback(registry, wanted.why, by=by))


@contextmanager
def _recorded() -> Iterator[None]:
    """Let a folder that cannot be written be an error that says so."""
    try:
        yield
    except OSError as error:
        logger.error("the champion could not be changed: %s", error)
        raise ModelError("the folder of models cannot be written; the log says why") from None


def _answer(registry: RegistryOptions, change: Change | None) -> Response:
    """The change is made; MLflow is informed after the response, whether it answers or not."""
    body = {
        "success": True,
        "champion": current_version(registry.models),
        "change": None if change is None else {k: v for k, v in asdict(change).items() if k != "run_id"},
    }
    if change is None:
        return json_response(body)
    logger.info("%s of the model %s by %s", change.event, change.version, change.by)
    task = BackgroundTask(deliver_in_child, registry)
    return Response(to_json(body), media_type="application/json", background=task)
