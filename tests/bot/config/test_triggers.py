"""The keys of [triggers.NAME], and what is said of everything else."""

from pathlib import Path

import pytest

from bot.config.tables import Rate
from tests.bot.config_files import PEOPLE, problems, read

CRON = '[triggers.nightly]\ncron = "0 7 * * 1-5"\ntext = "deploy main to staging"\nrequester = "anna"\n'
HOOK = '[triggers.releases]\nkind = "webhook"\ntext = "deploy {tag} to staging"\nrequester = "anna"\n'
HUB = '[triggers.tags]\nkind = "github"\non = "push"\ntext = "deploy {tag} to staging"\nrequester = "anna"\n'
REPORT = '[triggers.builds]\nkind = "report"\nhandle = "{repo}/{id}"\n'
SECRET = "f" * 32


def test_all_four_kinds_are_read_and_their_secrets_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}2\n")

    settings = read(
        tmp_path, PEOPLE + CRON + HOOK + HUB + REPORT,
        SAYSO_TRIGGERS__RELEASES__SECRET=f"{SECRET}1",
        SAYSO_TRIGGERS__TAGS__SECRET_FILE=str(tmp_path / "secret"),
        SAYSO_TRIGGERS__BUILDS__SECRET="12345678901234567890",
    )  # fmt: skip

    secrets = {name: one.secret and one.secret.get_secret_value() for name, one in settings.triggers.items()}
    assert secrets == {
        "nightly": None, "releases": f"{SECRET}1", "tags": f"{SECRET}2", "builds": "12345678901234567890",
    }  # fmt: skip
    assert [one.what for one in settings.triggers.values()] == ["cron", "webhook", "github", "report"]
    assert settings.triggers["nightly"].missed == "once"
    assert settings.limits.triggers_per_trigger == Rate(60, 3600)
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (CRON.replace("0 7 * * 1-5", "0 0 30 2 *"), 'triggers.nightly.cron: found "0 0 30 2 *"; allowed: five fields'),
        (CRON + 'timezone = "Mars"', 'triggers.nightly.timezone: found "Mars"; allowed: an IANA time zone'),
        (CRON.replace("anna", "eve"), 'triggers.nightly.requester: found "eve", who is nobody in [people]; al'),
        (CRON.replace('requester = "anna"\n', ""), "triggers.nightly.requester: is missing; allowed: the person"),
        (CRON.replace("main", "{tag}"), "triggers.nightly.text: found braces; allowed: plain text"),
        (CRON + 'kind = "webhook"', "triggers.nightly: found no cron and no kind, or both"),
        (CRON + 'handle = "x"', "triggers.nightly.handle: found in a trigger of the kind cron; allowed there: agent"),
        (HOOK.replace('kind = "webhook"\n', ""), "triggers.releases: found no cron and no kind, or both; al"),
        (HOOK.replace("{tag}", "{tag"), "triggers.releases.text: found"),
        (HOOK + 'context = {tag = "a..b"}', 'triggers.releases.context.tag: found "a..b"; allowed: a dotted path'),
        (HOOK + "contxt = {}", 'triggers.releases.contxt: this release knows no such key; did you mean "context"?'),
        (HUB.replace('on = "push"\n', ""), "triggers.tags.on: is missing; allowed: the one event of GitHub"),
        (HUB.replace("{tag}", "{branch}"), "triggers.tags.text: found {branch}; allowed for push: {repository}, {tag}"),
        (REPORT.replace('handle = "{repo}/{id}"\n', ""), "triggers.builds.handle: is missing; allowed: the name of"),
        (HOOK.replace("releases", "Releases"), 'triggers.Releases: found "Releases"; allowed: a name of at most 40'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_is_allowed(tmp_path: Path, text: str, line: str) -> None:
    found = problems(tmp_path, PEOPLE + text)

    assert len(found) == 1, found
    assert found[0].startswith(f"sayso.toml: {line}")


def test_a_secret_in_the_file_is_refused_without_being_shown(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, PEOPLE + HOOK + f'secret = "{SECRET}"')

    assert found == (
        "sayso.toml: triggers.releases.secret: a secret must not stand in this file. Set "
        "SAYSO_TRIGGERS__RELEASES__SECRET or SAYSO_TRIGGERS__RELEASES__SECRET_FILE instead"
    )


@pytest.mark.parametrize("value", ["guessable", '["guess"]', '{"guess": 1}'])
def test_a_secret_that_is_too_short_is_refused_without_being_shown(tmp_path: Path, value: str) -> None:
    found = problems(tmp_path, PEOPLE + HOOK, SAYSO_TRIGGERS__RELEASES__SECRET=value)

    assert found[0].startswith("SAYSO_TRIGGERS__RELEASES__SECRET: triggers.releases.secret: found a value that is not")
    assert "guess" not in "".join(found)


def test_two_triggers_have_two_secrets(tmp_path: Path) -> None:
    twice = {"SAYSO_TRIGGERS__RELEASES__SECRET": SECRET, "SAYSO_TRIGGERS__TAGS__SECRET": SECRET}

    (found,) = problems(tmp_path, PEOPLE + HOOK + HUB, **twice)

    assert (
        found == "SAYSO_TRIGGERS__TAGS__SECRET: triggers.tags.secret: found that of releases; allowed: one of its own"
    )


def test_a_secret_file_that_can_not_be_read_or_stands_beside_the_secret_is_told(tmp_path: Path) -> None:
    name = "SAYSO_TRIGGERS__RELEASES__SECRET"

    (gone,) = problems(tmp_path, PEOPLE + HOOK, **{f"{name}_FILE": "/nowhere"})
    (both,) = problems(tmp_path, PEOPLE + HOOK, **{f"{name}_FILE": "/nowhere", name: SECRET})

    assert gone.startswith(f"{name}_FILE: found '/nowhere', which can't be read")
    assert both == f"{name}_FILE: {name} is set as well. Set one of the two"
