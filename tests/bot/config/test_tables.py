from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.tables import Rate, parse_duration, parse_rate
from tests.bot.config_files import PEOPLE, POLICY, problems, read

EFFORTS = 'allowed: "low", "medium", "high", "xhigh" or "max"'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("shards = 100", "shards: found 100; allowed: a whole number, at least 1, at most 64"),
        ("lease_s = 0.1", "lease_s: found 0.1; allowed: a number, at least 0.2, at most 600"),
        ("people = 3", "people: found 3; allowed: a table"),
        ('[people."a b"]\nname="A"', 'people.a b: found "a b"; allowed: a name of letters, digits, dots,'),
        ('[people.a]\nname="A"\nemail="a"', 'people.a.email: found "a"; allowed: a bare mail address'),
        ('[people.a]\nname="A"\ntimezone="Mars"', 'people.a.timezone: found "Mars"; allowed: an IANA'),
        ('[people.a]\nname="A"\ngithub="@a"', 'people.a.github: found "@a"; allowed: a login at GitHub, such as "an'),
        ("[people.a]", "people.a.name: is missing; allowed: the name that people see"),
        ('config = "other.toml"', "config: only the environment (SAYSO_CONFIG) can name the file"),
        ('[agents.deploy]\ntimeout = "11m"', 'agents.deploy.timeout: found "11m"; allowed: "1s" to "10m"'),
        (f'{PEOPLE}[announce]\nto = ["slack:ops"]', 'announce.to[0]: found "slack:ops"; allowed: "person:NAME", "gro'),
        (f'{PEOPLE}[announce]\nto = ["group:oncall"]', 'announce.to: found "group:oncall", which is nobody in [peop'),
        ("shards = 1\n\nmodel = x", "not valid TOML: Invalid value (at line 3, column 9)"),
    ],
)
def test_a_bad_value_is_told_with_file_key_what_was_found_and_what_is_allowed(
    tmp_path: Path, text: str, line: str
) -> None:
    (found,) = problems(tmp_path, text)

    assert found.startswith(f"sayso.toml: {line}")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("quorum = 0", "quorum: found 0; allowed: a whole number, at least 1"),
        ("quorum = 3", "quorum: found 3; allowed: at most 2, as many people are named"),
        ('reach = ["fax"]', 'reach[0]: found "fax"; allowed: "slack" or "email"'),
        ('answer_from = ["fax"]', 'answer_from[0]: found "fax"; allowed: "slack", "email", "console"'),
        ("execute_within = 900", "execute_within: found 900; allowed: a duration above zero in quotes"),
        ("qourum = 1", 'qourum: this release knows no such key; did you mean "quorum"? Allowed: also_post'),
        ('remind_after = ["1h", "4h"]', "remind_after: found 14400 s; allowed: less than expires_after, 14400 s"),
        ('escalate_after = "1h"', "escalate_to: found one alone; allowed: both escalate_after and escalate_to"),
        ('escalate_after = "1h"\nescalate_to = ["person:zoe"]', 'escalate_to: found "person:zoe", which is nobody'),
        ('quiet_hours = "22-7"', 'quiet_hours: found "22-7"; allowed: two different times of day in quotes'),
        ('standing = "101 in 30d"', 'standing: found "101 in 30d"; allowed: uses and a duration in'),
        ('break_glass = ["person:bo"]', "break_glass: found without [alerts]; allowed: with alerts.to"),
        ('[[policies.production.steps]]\nname = "x"\napprovers = ["person:bo"]', "approvers: found beside steps; all"),
    ],
)
def test_a_policy_is_checked_key_by_key(tmp_path: Path, change: str, line: str) -> None:
    (found,) = problems(tmp_path, f"{PEOPLE}{POLICY}{change}\n")

    assert found.startswith(f"sayso.toml: policies.production.{line}")


STEPS = """
[policies.production]
expires_after = "4h"
[[policies.production.steps]]
name = "manager"
approvers = ["person:bo"]
[[policies.production.steps]]
name = "finance"
approvers = ["group:release"]
"""
GROUP = '["group:release"]'
NESTED = '{all_of = ["person:anna", {any_of = ["person:bo", {any=[]}]}]}'


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [
        (STEPS, 'name = "finance"', 'name = "manager"', 'steps[1].name: found "manager" twice; allowed: a name of its'),
        (STEPS, GROUP, f"{GROUP}\nquorum = 3", "steps[1].quorum: found 3; allowed: at most 2"),
        (STEPS, 'name = "finance"\n', "", "steps[1].name: is missing; allowed: the name on cards, such as manager"),
        (POLICY, f"approvers = {GROUP}", "", "approvers: missing; allowed: approvers, or [[policies.NAME.steps]]"),
        (POLICY, GROUP, '["bo"]', 'approvers[0]: found "bo"; allowed: "person:NAME", "group:NAME" or "oncall:NAME"'),
        (POLICY, GROUP, NESTED, 'approvers.all_of[1].any_of[1]: found {"any": []}; allowed: "person:NAME"'),
        (POLICY, GROUP, '["group:relase"]', 'approvers: found "group:relase", which is nobody in [people]; did you m'),
        (POLICY, 'expires_after = "4h"', "", "expires_after: is missing; allowed: how long a request"),
        (POLICY, "4h", "31d", 'expires_after: found "31d"; allowed: at most "30d"'),
    ],
)
def test_who_decides_and_how_long_is_checked_in_each_step(
    tmp_path: Path, text: str, old: str, new: str, line: str
) -> None:
    (found,) = problems(tmp_path, PEOPLE + text.replace(old, new))

    assert found.startswith(f"sayso.toml: policies.production.{line}")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('slack = "U01ANNA"', 'people.cy.slack: found "U01ANNA", which is the member id of anna'),
        ('github = "anna"', 'people.cy.github: found "anna", which is the login of anna; allowed: one of their own'),
    ],
)
def test_two_people_cannot_share_a_name_elsewhere(tmp_path: Path, line: str, what: str) -> None:
    both = PEOPLE.replace('"Anna Ames"', f'"Anna Ames"\n{line}').replace('"Cy Cole"', f'"Cy Cole"\n{line}')

    (found,) = problems(tmp_path, both.replace('github = "anna"', 'github = "ANNA"', 1))

    assert found.startswith(f"sayso.toml: {what}")


@pytest.mark.parametrize("written", ["anna+x@corp.example", "anna@corp.example.", "ANNA+a+b@Corp.Example."])
def test_one_mailbox_is_one_person_however_it_is_written(tmp_path: Path, written: str) -> None:
    (line,) = problems(tmp_path, PEOPLE.replace("bo@corp.example", written))

    assert line == (
        f'sayso.toml: people.bo.email: found "{written}", which is the address of anna '
        "(anna@corp.example: one mailbox under two names); allowed: one of their own"
    )


def test_other_mailboxes_of_one_domain_are_other_people(tmp_path: Path) -> None:
    for other in ("anna.b@corp.example", "anna@corp.example.org", "+anna@corp.example", "anna-x@corp.example"):
        assert read(tmp_path, PEOPLE.replace("bo@corp.example", other)).people["bo"].email == other


def test_references_between_tables_are_checked(tmp_path: Path) -> None:
    text = PEOPLE + POLICY + '[alerts]\nto=["group:oncall"]\n[deploy.environments.production]\npolicy="producton"\n'
    text += 'repo="/srv/demo"\ncommand=["./deploy.sh"]\nlive=["./live.sh"]\n'

    found = problems(tmp_path, text)

    assert found[0].startswith('sayso.toml: alerts.to: found "group:oncall", which is nobody in [people]')
    place = "sayso.toml: deploy.environments.production.policy"
    assert found[1] == f'{place}: found "producton"; allowed: production, "nobody is asked"'


def test_people_that_cannot_be_read_are_not_called_unknown_as_well(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, PEOPLE.replace('"Bo Berg"', "3") + POLICY)

    assert line == "sayso.toml: people.bo.name: found 3; allowed: text in quotes"


@given(st.integers(1, 99999), st.sampled_from("smhd"))
def test_durations_and_rates_are_read_in_each_unit(number: int, unit: str) -> None:
    unit_s = {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]

    assert parse_duration(f"{number}{unit}") == number * unit_s
    assert parse_rate(f"{number}/{unit}") == Rate(number, unit_s)


@given(st.text(max_size=8))
def test_whatever_stands_in_the_place_of_a_duration_is_above_zero_or_refused(text: str) -> None:
    seconds = None

    with suppress(ValueError):
        seconds = parse_duration(text)

    assert seconds is None or seconds > 0
