"""`[oncall.NAME]` and `[groups.NAME]`: what is allowed, and what errors say."""

from pathlib import Path

import pytest

from bot.config.errors import ConfigError
from bot.config.settings import Settings, load

PEOPLE = """
[people.bo]
name = "Bo Berg"
uid = "0002"
groups = ["release"]

[people.cy]
name = "Cy Cole"
uid = "0003"
"""
OPS = 'rotation = ["person:bo", "person:cy"]\nshift = "7d"\nstarts = "2026-11-02T09:00"\n'


def loaded(folder: Path, tables: str) -> Settings:
    (folder / "sayso.toml").write_text(PEOPLE + tables)
    return load(folder, {})


def test_a_rotation_may_decide_hear_alerts_and_be_asked(tmp_path: Path) -> None:
    tables = f"""
[oncall.ops]
{OPS}
[policies.hotfix]
approvers = ["group:release", "oncall:ops"]
expires_after = "2h"

[alerts]
to = ["oncall:ops"]

[agents.ask]
asks = ["oncall:ops"]
"""
    settings = loaded(tmp_path, tables)

    assert settings.oncall["ops"].shift_s == 7 * 86_400
    assert settings.alerts.to == ("oncall:ops",)
    bare = ONCALL + OPS.replace('"2026-11-02T09:00"', "2026-11-02T09:00:00")
    assert loaded(tmp_path, bare).oncall["ops"].starts.hour == 9, "without quotes"
    of_unknown_size = f'{GROUP}slack = "S0123ABC"\n{POLICY.format("group:ops")}'
    assert loaded(tmp_path, of_unknown_size).policies["p"].quorum == 2


FIRST = '{person = "person:bo", from = "2026-11-05T09:00", until = "2026-11-07T09:00"}'
SECOND = '{person = "person:cy", from = "2026-11-06T09:00", until = "2026-11-08T09:00"}'
EMPTY = FIRST.replace("11-07", "11-05")
POLICY = '[policies.p]\napprovers = ["{}"]\nquorum = 2\nexpires_after = "1h"\n'
ONCALL, GROUP = "[oncall.ops]\n", "[groups.ops]\n"


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            ONCALL + OPS.replace("person:cy", "person:eve"),
            'oncall.ops.rotation: found "person:eve", which is nobody',
        ),
        (ONCALL + OPS.replace("person:cy", "group:x"), 'oncall.ops.rotation[1]: found "group:x"; allowed: "person:'),
        (
            ONCALL + OPS.replace("7d", "59m"),
            'oncall.ops.shift: found "59m"; allowed: whole minutes from "1h"',
        ),
        (ONCALL + OPS.replace("09:00", "09:00+01:00"), "oncall.ops.starts: found"),
        (ONCALL + OPS.replace("2026-11-02", "2026-11-31"), "oncall.ops.starts: found"),
        (f'{ONCALL}{OPS}timezone = "Berlin"', "oncall.ops.timezone: found"),
        (
            f"{ONCALL}{OPS}overrides = [{EMPTY}]",
            "overrides[0].until: found 2026-11-05T09:00; allowed: after its",
        ),
        (
            f"{ONCALL}{OPS}overrides = [{FIRST}, {SECOND}]",
            "overrides: found two at once at 2026-11-06T09:00",
        ),
        (ONCALL + OPS + POLICY.format("oncall:ops"), "policies.p.quorum: found 2; allowed: at most 1"),
        (f'{GROUP}slack = "release"', 'groups.ops.slack: found "release"; allowed: the id of a user group in Slack'),
        (f'{GROUP}file = "../people.csv"', "groups.ops.file: found"),
        (f'{GROUP}file = "people.txt"', "allowed: a .csv or .json file below the folder of sayso.toml"),
        (GROUP, "groups.ops: found nothing that says who is in it; allowed: one of"),
        (f'{GROUP}file = "a.csv"\nslack = "S0123ABC"', "groups.ops: found slack and file; allowed: one of"),
        ('[groups.release]\nslack = "S0123ABC"', "groups.release: found a group that people.bo.groups names too"),
        ('[alerts]\nto = ["oncall:ops"]', 'alerts.to: found "oncall:ops", which is nobody in [people]'),
    ],
)
def test_what_is_wrong_stops_the_start(tmp_path: Path, tables: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, tables)

    assert said in str(caught.value)
