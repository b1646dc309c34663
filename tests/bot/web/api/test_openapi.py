from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from bot.web.api.application import routes
from tests.kit.office import TOML
from tests.kit.world import a_world
from tests.servers.schemathesis import fuzz
from tests.servers.web import Api, serving

SECONDS = 30


async def operations(api: Api) -> list[tuple[str, str, dict[str, Any]]]:
    paths = (await api.with_key(None).get("/openapi.json")).json()["paths"]
    return [(method, path, operation) for path, found in paths.items() for method, operation in found.items()]


async def test_every_operation_is_described_with_examples_and_its_errors(api: Api) -> None:
    found = await operations(api)

    assert len({operation["operationId"] for _, _, operation in found}) == len(found) == 46
    for method, path, operation in found:
        answers = operation["responses"]
        well = [answers[status] for status in answers if status in {"200", "201"}]
        assert all("example" in content for one in well for content in one["content"].values()), path
        assert operation["description"]
        if path.startswith("/v1/"):
            assert operation["security"] == [{"apiKey": []}]
            assert {"401", "403", "421", "422", "503"} <= set(answers), path
        if method == "post":
            assert {"400", "409", "413", "415"} <= set(answers), path
        problems = [one for status, one in answers.items() if status >= "400"]
        assert all("example" in one["content"]["application/problem+json"] for one in problems)


def test_an_answer_has_each_field_that_its_example_shows() -> None:
    """What is stored leaves defaults out; a program reads them all the same."""
    lacking = list[str]()
    for route in (one for one in routes() if isinstance(one, APIRoute)):
        for answer in (told for status, told in route.responses.items() if int(status) < 300):
            if shown := answer.get("content", {}).get("application/json"):
                model = TypeAdapter[Any](answer.get("model") or route.response_model)
                sent = model.dump_python(
                    model.validate_python(shown["example"]),
                    mode="json",
                    exclude_defaults=route.response_model_exclude_defaults,
                    exclude_none=route.response_model_exclude_none,
                )
                lacking += _lacking(shown["example"], sent, str(route.operation_id))

    assert not lacking


def _lacking(shown: Any, sent: Any, where: str) -> Iterator[str]:
    for name, value in cast("dict[str, Any]", shown if isinstance(shown, dict) else {}).items():
        if name in sent:
            yield from _lacking(value, sent[name], f"{where}.{name}")
        else:
            yield f"{where}.{name}"
    for value, other in zip(cast("list[Any]", shown), sent, strict=True) if isinstance(shown, list) else ():
        yield from _lacking(value, other, where)


@pytest.mark.long
async def test_schemathesis_finds_nothing_amiss_in_half_a_minute(redis: str, tmp_path: Path) -> None:
    toml = TOML.replace("1000/h", "1000000/h")
    async with a_world(redis, tmp_path / "data", toml) as world, serving(world.app, longest_wait_s=0.2) as api:
        code, said = await fuzz(world, api, seconds=SECONDS, seed=1)

    assert code == 0, said
