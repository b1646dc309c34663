"""The doctor's findings about those who hear alerts and announcements."""

from pathlib import Path

from bot.config.settings import Settings
from bot.doctor.audiences import examine_audiences, places_of
from tests.bot.config_files import PEOPLE, POLICY, read

SERVED = {"SAYSO_REDIS_URL": "redis://127.0.0.1:1"}


def settings(folder: Path, tables: str, **environ: str) -> Settings:
    return read(folder, PEOPLE + POLICY + tables, **environ)


def test_without_alerts_nobody_is_told_at_3_a_m(tmp_path: Path) -> None:
    [finding] = examine_audiences(settings(tmp_path, ""))

    assert finding.sign == "!"
    assert finding.what.startswith("[alerts] names nobody: at 3 a.m. nobody is told")
    assert 'to = ["person:NAME"]' in finding.fix


def test_who_hears_alerts_and_announcements_is_said_by_name(tmp_path: Path) -> None:
    tables = '[alerts]\nto = ["person:anna"]\n[announce]\nto = ["person:anna", "person:bo"]\n'

    found = list(examine_audiences(settings(tmp_path, tables)))

    assert [(one.sign, one.what) for one in found] == [
        ("✓", "[alerts] can reach anna"),
        ("✓", "[announce] can reach anna, bo"),
    ]


def test_people_who_can_t_be_reached_are_named_with_what_is_missing(tmp_path: Path) -> None:
    tables = '[alerts]\nto = ["person:anna", "person:cy"]\n'

    [finding] = examine_audiences(settings(tmp_path, tables, **SERVED))

    assert finding.sign == "✗"
    assert finding.what == "[alerts] can't reach anna (no mail server is set, no slack), cy (no email, no slack)"
    assert "[alerts]" in finding.fix


def test_each_slack_channel_is_known_by_all_settings_that_name_it(tmp_path: Path) -> None:
    found = places_of(
        settings(tmp_path, 'also_post = ["slack:#release"]\n[announce]\nto = ["slack:#release", "slack:#b"]\n')
    )

    assert found == {"#release": "also_post of [policies.production] and to of [announce]", "#b": "to of [announce]"}
