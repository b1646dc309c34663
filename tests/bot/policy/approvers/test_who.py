"""Who may do what is said in one place."""

import ast
from pathlib import Path

import pytest

from bot.policy.approvers import who

ROOT = Path(who.__file__).parents[3]
SAYS_WHO = {
    "requester_may_approve": {
        "agents/moves.py",  # another rule may let them
        "bot/people/directory.py",  # as the settings have it
        "bot/people/recognition.py",  # who may be somebody that is kept from a seat has none either
        "bot/policy/approvers/who.py",
        "bot/requests/reassignment/__init__.py",  # nobody new is kept from it for a part that keeps nobody
        "bot/requests/reassignment/departures.py",  # the operators' rule in place of a policy's
        "bot/requests/standing/uses.py",  # what a session does is a program's doing
    },
    "editor_may_approve": {
        "agents/requests/__init__.py",
        "bot/people/directory.py",
        "bot/people/recognition.py",
        "bot/policy/approvers/who.py",
    },
    "takers": {"agents/requests/__init__.py", "bot/policy/approvers/who.py"},
    "doubles": {
        "bot/people/recognition.py",
        "bot/policy/approvers/quorum.py",  # one human, one seat
        "bot/policy/approvers/steps.py",
        "bot/policy/approvers/who.py",
        "bot/requests/opening.py",  # says of whom nobody knows that they are two
    },
}
"""Who reads what a policy says of who may decide: whoever else needs it asks `who`."""


def reads(code: str, name: str) -> bool:
    """Whether `code` reads `.name` of what it calls a policy, or of itself."""
    if f".{name}" not in code:
        return False
    read = [one for one in ast.walk(ast.parse(code)) if isinstance(one, ast.Attribute) and one.attr == name]
    whose = {ast.unparse(one.value) for one in read if isinstance(one.ctx, ast.Load)}
    return any("polic" in one or one in {"self", "found"} for one in whose)


@pytest.mark.parametrize("name", SAYS_WHO)
def test_nothing_else_reads_of_a_policy_who_may_decide(name: str) -> None:
    files = [file for room in ("agents", "bot", "channels") for file in (ROOT / room).rglob("*.py")]
    readers = {str(one.relative_to(ROOT)) for one in files if reads(one.read_text(), name)}

    assert readers == SAYS_WHO[name]
