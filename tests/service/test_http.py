"""What every response carries in addition to its body."""

from __future__ import annotations

import pytest
from tests.service.conftest import Service

PATH = "/api/payment/analytics/customers/user_123/revenue"


def test_an_unchanged_answer_is_not_sent_again(service: Service) -> None:
    first = service.client.get(PATH)
    again = service.client.get(PATH, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"


def test_another_answer_has_another_tag(service: Service) -> None:
    tags = {
        service.client.get(PATH, params=p).headers["etag"] for p in ({}, {"period": "ytd"}, {"as_of": "2023-11-01"})
    }
    assert len(tags) == 3
    old = service.client.get(PATH, headers={"If-None-Match": '"other"'})
    assert old.status_code == 200


def test_a_kept_answer_is_the_same(service: Service) -> None:
    assert service.client.get(PATH).content == service.client.get(PATH).content


def test_errors_are_not_kept(service: Service) -> None:
    response = service.get("/customers/nobody/revenue")
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


@pytest.mark.parametrize(("given", "kept"), [("abc-123", True), ("x" * 65, False), ("a b", False), ("", False)])
def test_a_request_has_a_name(service: Service, given: str, kept: bool) -> None:
    name = service.client.get(PATH, headers={"X-Request-ID": given}).headers["x-request-id"]
    assert (name == given) is kept
    assert name


def test_the_document_names_every_route_and_parameter(service: Service) -> None:
    document = service.client.get("/api/openapi.json").json()
    route = document["paths"]["/payment/analytics/customers/{user_id}/revenue"]["get"]
    assert {parameter["name"] for parameter in route["parameters"]} == {
        "user_id",
        "period",
        "include_predictions",
        "breakdown",
        "as_of",
        "days",
        "If-None-Match",
    }
    assert all(parameter["description"] for parameter in route["parameters"])
    assert {"200", "401", "404", "422", "503"} <= set(route["responses"])


def test_long_responses_are_compressed_for_those_who_take_it(service: Service) -> None:
    plain = service.client.get(PATH, headers={"Accept-Encoding": "identity"})
    packed = service.client.get(PATH, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert packed.json()["revenue_summary"] == plain.json()["revenue_summary"]
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert plain.headers["etag"] == packed.headers["etag"]
    assert packed.headers["etag"].startswith('W/"')
    assert service.client.get(PATH, headers={"If-None-Match": packed.headers["etag"]}).status_code == 304
    assert "content-encoding" not in service.client.get("/livez").headers
