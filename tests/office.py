"""The people and policies of the tests, and settings that are quick: anna asks, bo and cy decide, dan hears alerts."""

from collections.abc import Mapping
from pathlib import Path

from bot.settings import Settings, load

TOML = """
[people.anna]
name = "Anna Ames"
email = "anna@corp.example"

[people.bo]
name = "Bo Berg"
email = "bo@corp.example"
groups = ["release"]

[people.cy]
name = "Cy Cole"
email = "cy@corp.example"
groups = ["release"]

[people.dan]
name = "Dan Dorn"
email = "dan@corp.example"

[policies.production]
approvers = ["group:release"]
approve_by_email = true
expires_after = "4h"
execute_within = "15m"

[policies.pair]
approvers = ["group:release"]
quorum = 2
approve_by_email = true
expires_after = "4h"

[alerts]
to = ["person:dan"]

[limits]
triggers_per_person = "1000/h"
"""

# Short enough for tests that wait for a dead owner, long enough for a busy machine.
QUICK = {"TEST_CLOCK": "1", "SHARDS": "2", "SWEEP_S": "0.1", "GRACE_S": "1", "LEASE_S": "1", "REDELIVERY_S": "1"}


def settings_of(folder: Path, toml: str = TOML, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a data directory whose `sayso.toml` says `toml`; `environ` is added to what is quick."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sayso.toml").write_text(toml)
    return load(folder, {f"SAYSO_{name}": value for name, value in QUICK.items()} | dict(environ or {}))
