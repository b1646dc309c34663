"""The contract of an agent, as code outside this repository imports it."""

import pytest

import agents


def test_the_name_that_tool_context_had_before_still_works_and_says_the_new_one() -> None:
    with pytest.warns(DeprecationWarning, match="is called agents.ToolContext now"):
        found = getattr(agents, "Hands")  # noqa: B009 - the name is not declared

    assert found is agents.ToolContext


def test_a_name_that_never_was_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Feet'"):
        getattr(agents, "Feet")  # noqa: B009
