"""The same again in one session of a coding agent: what is the same, and where people are asked each time. Pure.

All of it is read from the call itself, as people saw it: what a program says of a call decides nothing here.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any, NamedTuple, cast

from agents.requests import Again, GatedCall, PolicySnapshot, Request
from agents.requests.record import RequestRecord
from agents.standing import Pattern
from bot.config.directory.policies import PolicyConfig
from bot.policy.approvers.quorum import is_met
from bot.policy.approvers.who import who_at_first
from bot.policy.risks import COMMANDS, PATHS, Sign, is_outside, signs_of, texts_in
from bot.policy.standing import rules_of

MOST_USES, LONGEST = 20, timedelta(hours=8)

# Tools that write one file, and the arguments that say what they write there.
_WRITE = frozenset(
    ("Edit", "MultiEdit", "Write", "NotebookEdit", "create", "create_file", "edit", "replace", "write_file",
     "replace_string_in_file")
)  # fmt: skip
_WRITTEN = frozenset(
    ("change", "content", "edits", "file_text", "new_source", "new_str", "new_string", "old_str", "old_string",
     "newString", "oldString")
)  # fmt: skip
# What an agent says about a command, beside what it does; elsewhere such an argument is a part of what is done.
_SAID = "description"


class Same(NamedTuple):
    """What has to be the same in each call, and the arguments that may be anything."""

    arguments: dict[str, Any]
    open: tuple[str, ...]


def again_of(request: Request, policy: PolicyConfig) -> Again | None:
    """Return what an approver may allow beside the approval, under its `policy` of the file; None if nothing."""
    limit = policy.standing
    if limit is None or not _decides_alone(request.policy) or same_in(request.call) is None:
        return None
    within_s = min(LONGEST.total_seconds(), limit.within_s)
    return Again(uses=min(MOST_USES, limit.uses), within_s=within_s, rules=rules_of(policy))


def same_in(call: GatedCall | None) -> Same | None:
    """Return what is the same in each call like this one.

    None where people see each one: something in it is risky, or it is no call of a tool in a folder.
    """
    told = call.arguments if call else {}
    given, facts = told.get("arguments"), told.get("facts", {})
    if not isinstance(given, Mapping):
        return None
    tool, folder = given.get("tool"), given.get("folder")
    if not (isinstance(tool, str) and isinstance(folder, str) and tool and _is_folder(folder)):
        return None
    within = "/" if _writes(given) else folder
    if signs_in(given) or signs_of("\n".join([*texts_in(given), *texts_in(facts)]), within):
        return None
    # What names a file of its own says where it is written, too.
    content = (name for name in _WRITTEN.intersection(given) if not any(_paths(given[name])))
    written = tuple(sorted(content)) if _writes(given) else ()
    out = {*written, *([_SAID] if tool in COMMANDS else [])}
    left = {name: value for name, value in given.items() if name not in out}
    return Same(left, written) if left.keys() - {"tool", "folder"} else None


def signs_in(given: Mapping[str, Any]) -> tuple[Sign, ...]:
    """Return what deserves a second look in the arguments of a program's call, where they name a tool and a folder."""
    tool, folder = given.get("tool"), given.get("folder")
    if not (isinstance(tool, str) and isinstance(folder, str)):
        return ()
    # What is written into a file may name any path, and what else is done with one outside the folder shows it.
    text = "\n".join(texts_in({name: value for name, value in given.items() if name not in {"tool", "folder"}}))
    found = signs_of(text, "/" if _writes(given) else folder)
    outside = [Sign("outside the folder", path) for path in _paths(given) if is_outside(path, folder)]
    return tuple(dict.fromkeys((*found, *outside)))


def _writes(given: Mapping[str, Any]) -> bool:
    return given.get("tool") in _WRITE and any(isinstance(given.get(name), str) for name in PATHS)


def _paths(value: Any) -> Iterator[str]:
    """Yield each path that a JSON value names, however deep."""
    if isinstance(value, Mapping):
        for name, one in cast("Mapping[str, Any]", value).items():
            yield from (one,) if name in PATHS and isinstance(one, str) else _paths(one)
    elif isinstance(value, list | tuple):
        for one in cast("list[Any]", value):
            yield from _paths(one)


def pattern_in_session(request: Request, rules: str) -> Pattern | None:
    """Return the calls that need no other approval in the session of `request`; None where people see each one."""
    call, same = request.call, same_in(request.call)
    if call is None or same is None or request.again is None:
        return None
    return Pattern(
        policy=request.policy.name,
        rules=rules,
        tool=call.tool,
        schema_version=call.schema_version,
        environment=call.effect.environment,
        arguments=same.arguments,
        open=same.open,
        session=f"{request.asked_with} {request.thread}",
    )


def may_allow_again(record: RequestRecord) -> bool:
    """Return whether an approval of it can say that the same may be done again: it is as it was first asked."""
    request = record.request
    return request.again is not None and not (request.edits or record.joined) and same_in(request.call) is not None


def allows_again(record: RequestRecord) -> bool:
    """Return whether the one person who approved it has said that the same may be done again."""
    decision, request = record.decision, record.request
    if decision is None or decision.standing or decision.broke_glass or not may_allow_again(record):
        return False
    given = [vote for vote in record.votes if vote.approve and vote.person in decision.by]
    return len(given) == 1 == len(decision.by) and given[0].again and given[0].binding.revision == request.revision


def _decides_alone(policy: PolicySnapshot) -> bool:
    return not policy.steps and any(is_met(policy, [person]) for person in who_at_first(policy, ()).seated)


def _is_folder(folder: str) -> bool:
    path = PurePosixPath(folder)
    return path.is_absolute() and len(path.parts) > 1 and ".." not in path.parts
