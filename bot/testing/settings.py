"""Settings for tests: quick ones, and an office of people who need no file of their own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bot.config.example import toml
from bot.config.settings import FILE_NAME, PREFIX, Settings, load

Policies = Mapping[str, Sequence[str] | Mapping[str, object]]

# Short enough for tests that wait for a dead owner, long enough for a busy machine.
QUICK = {"TEST_CLOCK": "1", "SHARDS": "2", "SWEEP_S": "0.1", "GRACE_S": "1", "LEASE_S": "1"}

PEOPLE = """
[people.anna]
name = "Anna Ames"
email = "anna@corp.example"

[people.bo]
name = "Bo Berg"
email = "bo@corp.example"

[people.cy]
name = "Cy Cole"
email = "cy@corp.example"

[people.dan]
name = "Dan Dorn"
email = "dan@corp.example"

[alerts]
to = ["person:dan"]

[roles]
operator = ["person:bo"]

[limits]
triggers_per_person = "1000/h"
"""
_POLICY: Mapping[str, object] = {"expires_after": "4h", "reach": ["email"], "approve_by_email": True}


def settings_of(folder: Path, toml: str, environ: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """The settings of a data directory whose `sayso.toml` says `toml`; `environ` are more variables."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE_NAME).write_text(toml)
    return load(folder, _variables() | dict(environ))


def settings_in(file: Path, folder: Path) -> Settings:
    """Return the settings in `file`, with the data directory `folder`."""
    return load(folder, _variables() | {f"{PREFIX}CONFIG": str(file.absolute())})


def office(policies: Policies) -> str:
    """A `sayso.toml`: anna, bo (an operator), cy and dan, and these policies, each by its table or by who approves."""
    return PEOPLE + "".join(_policy(name, policy) for name, policy in policies.items())


def _policy(name: str, policy: Sequence[str] | Mapping[str, object]) -> str:
    said = policy if isinstance(policy, Mapping) else {"approvers": [f"person:{person}" for person in policy]}
    lines = [f"{key} = {toml(value)}" for key, value in {**_POLICY, **said}.items()]
    return "\n".join(["", f"[policies.{name}]", *lines, ""])


def _variables() -> dict[str, str]:
    return {f"{PREFIX}{name}": value for name, value in QUICK.items()}
