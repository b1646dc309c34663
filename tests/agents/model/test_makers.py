"""Whose model a name means, and plain rules as a model among others."""

from dataclasses import replace

import pytest

from agents.model.claude import Claude
from agents.model.failures import gives_up
from agents.model.makers import Access, Options, make, maker_of
from agents.model.openai import OpenAI
from agents.model.protocol import Model
from agents.model.rules import Rules
from agents.run import Run
from agents.steps import Done, ModelCall
from tests.agents.model.claudes import AGENT, choose


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("claude-sonnet-5-5", ("anthropic", "claude-sonnet-5-5")),
        ("anthropic:claude-sonnet-5-5", ("anthropic", "claude-sonnet-5-5")),
        ("vendor.claude-v2:0", ("anthropic", "vendor.claude-v2:0")),
        ("nobody:claude-sonnet-5-5", ("anthropic", "nobody:claude-sonnet-5-5")),
        ("anthropic:", ("anthropic", "anthropic:")),
        ("openai:qwen2.5-coder:0.5b", ("openai", "qwen2.5-coder:0.5b")),
    ],
)
def test_a_name_without_a_maker_we_know_is_one_of_anthropics(name: str, meant: tuple[str, str]) -> None:
    assert maker_of(name) == meant


def test_a_model_is_made_with_what_its_agent_may_do_and_the_way_to_its_server() -> None:
    claude = make(
        "anthropic:claude-x", Access("sk-our-key", "http://there"), Options(timeout_s=7, context_tokens=5_000)
    )
    access = Access("sk-our-key", "http://there/v1", {"X-Team": "ours-alone"}, "2024-10-21")
    other = make("openai:gpt-x", access, Options(timeout_s=7))

    assert isinstance(claude, Claude)
    assert (claude.model, claude.base_url, claude.timeout_s) == ("claude-x", "http://there", 7)
    assert claude.context_tokens == 5_000
    assert isinstance(other, OpenAI)
    assert (other.model, other.base_url, other.timeout_s) == ("gpt-x", "http://there/v1", 7)
    assert (other.headers, other.api_version) == ({"X-Team": "ours-alone"}, "2024-10-21")
    assert access.secrets == ("sk-our-key", "ours-alone")
    assert not [one for one in access.secrets if one in repr((claude, other, access))]


@pytest.mark.parametrize(
    ("kinds", "another"),
    [
        (["refused"], True),
        (["auth"], True),
        (["out_of_credit"], True),
        (["overloaded"] * 2, False),
        (["overloaded"] * 3, True),
        (["timeout", "connection", "bad_body"], True),
        (["too_long"], False),
        (["too_long", "too_long"], True),
        (["too_long", "timeout", "too_long"], True),
        (["not_sent"], False),
        (["no_tool"] * 3, False),
        (["overloaded", "overloaded", "bad_arguments"], False),
    ],
)
def test_another_model_is_asked_where_this_one_is_away_refuses_or_is_too_small(
    kinds: list[str], *, another: bool
) -> None:
    assert gives_up(kinds) == another


async def test_rules_are_a_model_that_costs_nothing() -> None:
    rules: Model = Rules()

    by_rules, code = await choose(rules), await rules.choose(replace(AGENT, prompt=""), Run(), [])
    await rules.close()

    assert by_rules.call == ModelCall(model="rehearsal", rehearsal=True)
    assert code.call == ModelCall(model="rules", rehearsal=False)


async def test_rules_that_break_end_the_run_and_say_why() -> None:
    def breaks(_: Run) -> Done:
        raise ValueError("no such thing")

    chosen = await Rules().choose(replace(AGENT, fallback=breaks), Run(), [])

    assert chosen.step == Done(
        outcome="failed", summary="The deploy agent's own rules failed: ValueError: no such thing"
    )
