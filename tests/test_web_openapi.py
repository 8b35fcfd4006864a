"""Whatever fits or does not fit the OpenAPI document, no request makes the server fail."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.openapi.loaders import from_asgi
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import status_code_conformance
from web_toys import open_engines, write_library

from myosem.cli.web.api import Settings, make_app

EXAMPLES = 10
TOKEN = "a-token-of-enough-letters"
HEADERS = {"authorization": f"Bearer {TOKEN}"}
POSTS = ("/search", "/describe", "/similar", "/label", "/describe/file", "/similar/file", "/label/file")
GETS = ("/recordings", "/segments/{segment}/signal", "/health", "/metrics")
OPERATIONS = [*(("POST", path) for path in POSTS), *(("GET", path) for path in GETS)]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    engines = open_engines(write_library(tmp_path_factory.mktemp("open")))
    app = make_app(engines, Settings(token=TOKEN))
    yield from_asgi("/openapi.json", app, headers=HEADERS)
    engines.close()


def test_every_question_is_tried(schema: BaseSchema) -> None:
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert {(one.method.upper(), one.path) for one in found} == set(OPERATIONS)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_no_request_makes_the_server_fail(schema: Any, method: str, path: str, mode: GenerationMode) -> None:
    if mode is GenerationMode.NEGATIVE and path in ("/health", "/metrics"):
        pytest.skip("nothing about such a request can be wrong")

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        case.call_and_validate(headers=HEADERS, checks=[not_a_server_error, status_code_conformance])

    check()
