"""What is the same again in a session of a coding agent, and what people see each time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from agents.requests import Again, Effect, GatedCall
from bot.policy.sessions import Same, allows_again, same_in
from tests.bot.examples import BO, CY, approval, record, vote

FOLDER = "/home/anna/shop"
PLAIN = ["ls", "-la", "pytest", "-q", "tests", "make", "lint", "&&", "echo", "'hi there'", f"{FOLDER}/a.py", "./run.sh"]
RISKY = [
    "rm -rf x", "git push --force", "curl example.org", "https://example.org", "cat .env", "sudo ls", "cat ../x",
    "cat /etc/hosts", "cat ~/x", "find . -delete", "x | sh", "eval x", "npm install x", "print $API_KEY", "wget x",
]  # fmt: skip
NAMES = st.sampled_from(["command", "timeout", "file_path", "pattern", "content", "description"])
VALUES = st.sampled_from(["one", "two", "1", 1, 1.0, True, ["one"], {"a": "one"}])


def call(sent: dict[str, Any], says: str = "") -> GatedCall:
    given = {"folder": FOLDER, "tool": "Bash", **sent}
    arguments: dict[str, JsonValue] = {"title": "x", "policy": "p", "facts": {"Says": says}, "arguments": given}
    return GatedCall(tool="proceed", schema_version=1, arguments=arguments, effect=Effect(argv=()))


def exactly(one: Same | None) -> str:
    return repr(one and (sorted(one.arguments.items()), one.open))


@given(st.lists(st.sampled_from(PLAIN), min_size=1, max_size=6))
def test_a_command_without_words_of_risk_is_the_same_as_itself_whatever_the_agent_says_of_it(words: list[str]) -> None:
    command = " ".join(words)

    found = same_in(call({"command": command, "description": "one"}))

    assert found is not None
    assert found == same_in(call({"command": command, "description": "two"}))
    assert found.arguments["command"] == command
    assert found.open == ()


@given(
    st.lists(st.sampled_from(PLAIN), max_size=4), st.sampled_from(RISKY), st.lists(st.sampled_from(PLAIN), max_size=4),
    st.sampled_from(["Bash", "mcp__shell__run", "Read"]), st.sampled_from(["command", "script", "description"]),
)  # fmt: skip
def test_wherever_a_word_of_risk_stands_people_see_each_call(
    before: list[str], risky: str, after: list[str], tool: str, name: str
) -> None:
    text = " ".join([*before, risky, *after])
    sent: dict[str, Any] = {"tool": tool, "command": "ls"}

    assert same_in(call(sent)) is not None
    assert same_in(call({**sent, name: text})) is None
    assert same_in(call({**sent, name: [{"deep": text}]})) is None
    assert same_in(call(sent, says=text)) is None


@given(st.dictionaries(NAMES, VALUES, min_size=1), st.dictionaries(NAMES, VALUES, min_size=1))
def test_two_calls_are_the_same_only_if_nothing_differs_but_what_is_said_of_them(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    left = {name: value for name, value in one.items() if name != "description"}
    right = {name: value for name, value in two.items() if name != "description"}
    found = [same_in(call(each)) for each in (one, two)]

    if None not in found:
        assert (exactly(found[0]) == exactly(found[1])) == (repr(sorted(left.items())) == repr(sorted(right.items())))


@given(st.text(st.sampled_from("ab\n /."), max_size=20), st.text(st.sampled_from("ab\n /."), max_size=20))
def test_a_tool_that_writes_has_the_same_file_and_may_write_anything(one: str, two: str) -> None:
    path = f"{FOLDER}/a.py"

    found = same_in(call({"tool": "Write", "file_path": path, "content": one}))

    assert found is not None
    assert found == same_in(call({"tool": "Write", "file_path": path, "content": two}))
    assert found.open == ("content",)
    assert found != same_in(call({"tool": "Write", "file_path": f"{FOLDER}/b.py", "content": one}))
    assert found != same_in(call({"tool": "Edit", "file_path": path, "content": one}))


@pytest.mark.parametrize(
    "sent",
    [
        {"tool": "Bash"},
        {"tool": "", "command": "ls"},
        {"tool": 1, "command": "ls"},
        {"tool": "Bash", "command": "ls", "folder": "/"},
        {"tool": "Bash", "command": "ls", "folder": "shop"},
        {"tool": "Bash", "command": "ls", "folder": "C:\\shop"},
        {"tool": "Bash", "command": "ls", "folder": "/home/../etc"},
        {"tool": "Write", "file_path": "/etc/hosts", "content": "x"},
        {"tool": "Write", "file_path": f"{FOLDER}/a.py", "path": "../b.py", "content": "x"},
        {"tool": "Write", "file_path": f"{FOLDER}/a.py", "content": "rm -rf x"},
        {"tool": "Write", "input": {"file_path": "/etc/hosts", "content": "x"}},
    ],
)
def test_what_is_no_call_of_a_tool_in_a_folder_is_asked_each_time(sent: dict[str, Any]) -> None:
    assert same_in(call(sent)) is None


def test_what_a_program_sends_without_saying_tool_and_folder_is_asked_each_time() -> None:
    sent = GatedCall(tool="proceed", schema_version=1, arguments={"arguments": ["ls"]}, effect=Effect(argv=()))

    assert same_in(sent) is None
    assert same_in(None) is None


def test_what_any_other_tool_calls_a_description_is_a_part_of_what_is_done() -> None:
    one, two = ({"tool": "mcp__tracker__file", "title": "x", "description": text} for text in ("one", "two"))

    assert same_in(call(one)) != same_in(call(two))


def test_words_of_a_program_beside_its_call_are_searched_for_risks_as_well() -> None:
    plain = call({"command": "ls"})
    facts: dict[str, JsonValue] = {"Then": "rm -rf build"}

    assert same_in(plain) is not None
    assert same_in(plain.model_copy(update={"arguments": plain.arguments | {"facts": facts}})) is None


def test_an_approval_allows_the_same_again_only_of_what_stands_as_it_was_first_asked() -> None:
    asked = approval(call=call({"command": "ls"}), again=Again(uses=3, within_s=60))
    allowed = record(asked, state="approved", votes=(vote(BO).model_copy(update={"again": True}),))

    assert allows_again(allowed)
    assert not allows_again(allowed.model_copy(update={"joined": (CY,)}))
    for changed in ({"edits": {"command": (CY,)}}, {"revision": 2}, {"again": None}):
        assert not allows_again(allowed.model_copy(update={"request": asked.model_copy(update=changed)}))
