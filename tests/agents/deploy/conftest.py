"""A repository with releases for each test that deploys from one."""

from pathlib import Path

import pytest

from tests.agents.deploy.repos import Repo, make_repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "repo")
