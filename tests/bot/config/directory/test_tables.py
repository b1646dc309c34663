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


def test_a_time_may_stand_without_quotes(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "[oncall.ops]\n" + OPS.replace('"2026-11-02T09:00"', "2026-11-02T09:00:00"))

    assert settings.oncall["ops"].starts.hour == 9


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            OPS.replace("person:cy", "person:eve"),
            'oncall.ops.rotation: found "person:eve", which is nobody in',
        ),
        (OPS.replace("person:cy", "group:release"), 'oncall.ops.rotation[1]: found "group:release"; allowed: "person:'),
        (OPS.replace("7d", "59m"), 'oncall.ops.shift: found "59m"; allowed: whole minutes from "1h" to "366d"'),
        (OPS.replace("09:00", "09:00+01:00"), "oncall.ops.starts: found"),
        (OPS.replace("2026-11-02", "2026-11-31"), "oncall.ops.starts: found"),
        (OPS + 'timezone = "Berlin"', "oncall.ops.timezone: found"),
        (OPS + "turns = 3", "oncall.ops.turns: this release knows no such key"),
        (
            OPS + 'overrides = [{person = "person:bo", from = "2026-11-05T09:00", until = "2026-11-05T09:00"}]',
            "oncall.ops.overrides[0].until: found 2026-11-05T09:00; allowed: after its `from`",
        ),
        (
            OPS + 'overrides = [{person = "person:bo", from = "2026-11-05T09:00", until = "2026-11-07T09:00"},'
            ' {person = "person:cy", from = "2026-11-06T09:00", until = "2026-11-08T09:00"}]',
            "oncall.ops.overrides: found two at once at 2026-11-06T09:00; allowed: one at a time",
        ),
    ],
)
def test_a_rotation_that_is_wrong_stops_the_start(tmp_path: Path, tables: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"[oncall.ops]\n{tables}")

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('slack = "release"', 'groups.ops.slack: found "release"; allowed: the id of a user group in Slack'),
        ('file = "../people.csv"', "groups.ops.file: found"),
        ('file = "people.txt"', "allowed: a .csv or .json file below the folder of sayso.toml"),
        ("", "groups.ops: found nothing that says who is in it; allowed: one of"),
        ('file = "a.csv"\nslack = "S0123ABC"', "groups.ops: found slack and file; allowed: one of"),
    ],
)
def test_a_group_is_kept_in_one_place(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"[groups.ops]\n{table}")

    assert said in str(caught.value)


def test_a_group_is_not_kept_elsewhere_and_named_by_people_as_well(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"groups.release: found a group that people.bo.groups names too"):
        loaded(tmp_path, '[groups.release]\nslack = "S0123ABC"')


def test_a_rotation_counts_as_one_person_for_a_quorum(tmp_path: Path) -> None:
    policy = '[policies.p]\napprovers = ["oncall:ops"]\nquorum = 2\nexpires_after = "1h"'

    with pytest.raises(ConfigError, match=r"policies.p.quorum: found 2; allowed: at most 1"):
        loaded(tmp_path, f"[oncall.ops]\n{OPS}\n{policy}")


def test_a_policy_may_name_a_group_whose_size_nobody_knows_yet(tmp_path: Path) -> None:
    policy = '[policies.p]\napprovers = ["group:ops"]\nquorum = 2\nexpires_after = "1h"'

    assert loaded(tmp_path, f'[groups.ops]\nslack = "S0123ABC"\n{policy}').policies["p"].quorum == 2


def test_a_name_that_means_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'alerts.to: found "oncall:ops", which is nobody in \[people\]'):
        loaded(tmp_path, '[alerts]\nto = ["oncall:ops"]')
