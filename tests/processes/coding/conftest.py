"""A bench for each test, and one model for all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.models import FakeModel, running
from tests.processes.coding.bench import Bench
from tests.servers.web import Api


@pytest.fixture(scope="session")
def coding_model() -> Iterator[FakeModel]:
    """The model of the session."""
    with running() as model:
        yield model


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Path:
    """Where installed programs are kept."""
    assert request.config.cache
    return request.config.cache.mkdir("coding-agents")


@pytest.fixture
async def bench(api: Api, coding_model: FakeModel, tmp_path: Path) -> Bench:
    """A bench whose folder is `shop`, with the key of Anna's laptop."""
    folder, home = tmp_path / "shop", tmp_path / "home"
    (folder / "build").mkdir(parents=True)
    home.mkdir()
    coding_model.forgets()
    _, key = await api.key(None, "ask", service="laptop", acts_for=["anna"], asks=("policy:production",))
    return Bench(folder, home, coding_model, api, key, await api.client("bo"))
