"""Settings from a text, for tests: what `sayso.toml` says, and what is wrong with it."""

from pathlib import Path

import pytest

from bot.config.settings import ConfigError, Settings, load

PEOPLE = """
[people.anna]
name = "Anna Ames"
email = "anna@corp.example"
[people.bo]
name = "Bo Berg"
email = "bo@corp.example"
groups = ["release"]
[people.cy]
name = "Cy Cole"
uid = "0003"
groups = ["release"]
"""

POLICY = """
[policies.production]
approvers = ["group:release"]
expires_after = "4h"
"""


def read(folder: Path, text: str = "", **environ: str) -> Settings:
    """The settings with `text` as the file in `folder`."""
    file = folder / "sayso.toml"
    file.write_text(text)
    return load(None, {"SAYSO_CONFIG": str(file)} | environ, cwd=folder)


def problems(folder: Path, text: str = "", **environ: str) -> tuple[str, ...]:
    """Return what `read` complains about, with the path of the file cut down to its name."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return tuple(line.replace(f"{folder}/", "") for line in caught.value.problems)
