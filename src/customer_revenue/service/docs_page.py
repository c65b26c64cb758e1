"""``/api/docs``: the API's document in Swagger UI, whose files are BentoML's own: no other host is asked for them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

DOCS_FILES = "docs-files"
WITHIN_BENTOML = ("_internal", "server", "static_content")
NEEDED = ("swagger-ui-bundle.js", "swagger-ui.css")


def add_docs(api: FastAPI) -> None:
    """Serve the document at ``/docs``; its links are relative, so that the API may be mounted anywhere."""

    def docs() -> Response:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=f"{api.title} API",
            swagger_js_url=f"{DOCS_FILES}/{NEEDED[0]}",
            swagger_css_url=f"{DOCS_FILES}/{NEEDED[1]}",
            swagger_favicon_url="../dashboard/icon.svg",
        )

    api.add_api_route("/docs", docs, include_in_schema=False, methods=["GET", "HEAD"])
    api.mount(f"/{DOCS_FILES}", StaticFiles(directory=swagger_files()))


def swagger_files() -> Path:
    """The folder of Swagger UI's files, found without importing BentoML."""
    spec = find_spec("bentoml")
    assert spec is not None, "BentoML is required"
    assert spec.origin is not None, "BentoML is a package on disk"
    return Path(spec.origin).parent.joinpath(*WITHIN_BENTOML)
