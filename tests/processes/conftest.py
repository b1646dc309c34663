from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Redis, people and the world outside; workers are started by the test."""
    with Stage(tmp_path) as stage:
        yield stage
