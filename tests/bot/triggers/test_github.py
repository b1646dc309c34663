"""Webhooks of GitHub: a tag was pushed, or CI failed; nothing else is ours."""

from typing import Any

import pytest

from bot.config.triggers import GITHUB_NAMES, GitHubEvent
from bot.errors import Invalid
from bot.triggers.github import NotOurs, read
from tests.bot.triggers.hub import COMMIT, check_suite, created, pushed, workflow_run

TAG = {"repository": "acme/shop", "tag": "v1.2.0", "by": "anna-ames"}
CI = {"repository": "acme/shop", "branch": "main", "commit": COMMIT, "conclusion": "failure", "by": "anna-ames"}
LATE = {"conclusion": "timed_out"}
URL = "https://github.com/acme/shop/actions/runs/289782451"


@pytest.mark.parametrize(
    ("event", "body", "facts"),
    [
        ("push", pushed(), TAG | {"commit": COMMIT}),
        ("push", pushed(head_commit=None), TAG | {"commit": None}),
        ("create", created(), TAG),
        ("workflow_run", workflow_run(), CI | {"workflow": "Build and test", "url": URL}),
        ("check_suite", check_suite(), CI),
    ],
)  # fmt: skip
def test_a_pushed_tag_and_failed_ci_are_facts(event: GitHubEvent, body: dict[str, Any], facts: object) -> None:
    found = read(event, event, body)

    assert found == facts
    assert isinstance(found, dict)
    assert set(found) == set(GITHUB_NAMES[event])


@pytest.mark.parametrize(
    ("event", "wanted", "body"),
    [
        ("push", "push", pushed("refs/heads/main")),
        ("push", "push", pushed(deleted=True, head_commit=None)),
        ("create", "push", created()),
        ("issues", "push", {"action": "opened"}),
        ("workflow_run", "workflow_run", workflow_run("success")),
        ("workflow_run", "workflow_run", workflow_run("failure", "requested")),
        ("check_suite", "check_suite", check_suite("neutral")),
    ],
)
def test_everything_else_is_passed_by(event: str, wanted: GitHubEvent, body: dict[str, Any]) -> None:
    assert isinstance(read(event, wanted, body), NotOurs)


def test_only_the_repository_and_the_tags_that_are_meant() -> None:
    assert isinstance(read("push", "push", pushed(), "acme/other"), NotOurs)
    assert isinstance(read("push", "push", pushed(), "acme/shop", "V*"), NotOurs)
    assert isinstance(read("push", "push", pushed(), "acme/shop", "v[2-9]*"), NotOurs)
    assert isinstance(read("push", "push", pushed(), "acme/shop", "v*"), dict)
    assert isinstance(read("workflow_run", "workflow_run", workflow_run(branch="topic"), only="main"), NotOurs)
    assert isinstance(read("workflow_run", "workflow_run", workflow_run(branch=None), only="main"), NotOurs)


@pytest.mark.parametrize(
    "body",
    [{}, {"ref": "refs/tags/v1"}, pushed() | {"ref": 7}, pushed() | {"repository": "acme"}, created(), workflow_run()],
)  # fmt: skip
def test_a_body_of_another_kind_does_not_fit(body: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="The body is not that of the event push"):
        read("push", "push", body)
