from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.directory.policies import AllOfTable, AnyOfTable, PolicyConfig, refs_of
from bot.config.tables import Rate, parse_duration, parse_rate
from tests.bot.config_files import PEOPLE, POLICY, problems, read


def policy(folder: Path, approvers: str) -> PolicyConfig:
    text = PEOPLE + POLICY.replace('["group:release"]', approvers)
    return read(folder, text).policies["production"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("shards = 100", "sayso.toml: shards: found 100; allowed: a whole number, at least 1, at most 64"),
        ('shards = "many"', 'sayso.toml: shards: found "many"; allowed: a whole number, at least 1, at most 64'),
        ("lease_s = 0.1", "sayso.toml: lease_s: found 0.1; allowed: a number, at least 0.2, at most 600"),
        ("people = 3", "sayso.toml: people: found 3; allowed: a table"),
        ('[people."a b"]\nname="A"', 'sayso.toml: people.a b: found "a b"; allowed: a name of letters, digits, dots,'),
        ('[people.a]\nname="A"\nemail="a"', 'sayso.toml: people.a.email: found "a"; allowed: a bare mail address'),
        ('[people.a]\nname="A"\ntimezone="Mars"', 'sayso.toml: people.a.timezone: found "Mars"; allowed: an IANA'),
        ('[people.a]\nname=" "', 'sayso.toml: people.a.name: found " "; allowed: a name that can be seen'),
        (
            '[people.a]\nname="A"\ngithub="@a"',
            'sayso.toml: people.a.github: found "@a"; allowed: a login at GitHub, such as "anna-ames"',
        ),
        ("[people.a]", "sayso.toml: people.a.name: is missing; allowed: the name that people see"),
        (
            '[limits]\ntriggers_per_person="20"',
            'sayso.toml: limits.triggers_per_person: found "20"; allowed: a number per unit of time in quotes',
        ),
        ('config = "other.toml"', "sayso.toml: config: only the environment (SAYSO_CONFIG) can name the file"),
        (
            '[agents.deploy]\ntimeout = "0.5s"',
            'sayso.toml: agents.deploy.timeout: found "0.5s"; allowed: "1s" to "10m"',
        ),
        ('[agents.deploy]\ntimeout = "11m"', 'sayso.toml: agents.deploy.timeout: found "11m"; allowed: "1s" to "10m"'),
        (
            "[agents.deploy]\nmax_output_tokens = 21334",
            "sayso.toml: agents.deploy.max_output_tokens: found 21334; allowed: a whole number, at least 1024, at most",
        ),
        (
            '[agents.deploy]\neffort = "more"',
            'sayso.toml: agents.deploy.effort: found "more"; allowed: "low", "medium", "high", "xhigh" or "max"',
        ),
        ("shards = ", "sayso.toml: not valid TOML: Invalid value (at end of document)"),
        ("shards = 1\n\nmodel = x", "sayso.toml: not valid TOML: Invalid value (at line 3, column 9)"),
    ],
)
def test_a_bad_value_is_told_with_file_key_what_was_found_and_what_is_allowed(
    tmp_path: Path, text: str, line: str
) -> None:
    (found,) = problems(tmp_path, text)

    assert found.startswith(line)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("quorum = 0", "policies.production.quorum: found 0; allowed: a whole number, at least 1"),
        ("quorum = 3", "policies.production.quorum: found 3; allowed: at most 2, as many people are named"),
        ('reach = ["fax"]', 'policies.production.reach[0]: found "fax"; allowed: "slack" or "email"'),
        ("reach = []", "policies.production.reach: found []; allowed: not empty"),
        (
            'answer_from = ["fax"]',
            'policies.production.answer_from[0]: found "fax"; allowed: "slack", "email", "console"',
        ),
        (
            "execute_within = 900",
            "policies.production.execute_within: found 900; allowed: a duration above zero in quotes",
        ),
        ('execute_within = "0s"', 'policies.production.execute_within: found "0s"; allowed: a duration above zero'),
        (
            "qourum = 1",
            'policies.production.qourum: this release knows no such key; did you mean "quorum"? Allowed: also_post',
        ),
        (
            'remind_after = ["1h", "4h"]',
            "policies.production.remind_after: found 14400 s; allowed: less than expires_after, 14400 s",
        ),
        ('remind_after = "1h"', 'policies.production.remind_after: found "1h"; allowed:'),
        (
            'escalate_after = "1h"',
            "policies.production.escalate_to: found one alone; allowed: both escalate_after and escalate_to",
        ),
        (
            'escalate_after = "5h"\nescalate_to = ["person:anna"]',
            "policies.production.escalate_after: found 18000 s; allowed: less than expires_after, 14400 s",
        ),
        (
            'escalate_after = "1h"\nescalate_to = ["person:zoe"]',
            'policies.production.escalate_to: found "person:zoe", which is nobody in [people]',
        ),
        (
            'quiet_hours = "22-7"',
            'policies.production.quiet_hours: found "22-7"; allowed: two different times of day in quotes',
        ),
        (
            'standing = "101 in 30d"',
            'policies.production.standing: found "101 in 30d"; allowed: uses and a duration in',
        ),
        ('standing = "0 in 30d"', 'policies.production.standing: found "0 in 30d"; allowed: uses and a duration in'),
        (
            'standing = "3 in 31d"',
            'policies.production.standing: found "3 in 31d"; allowed: uses and a duration in quotes',
        ),
        (
            "standing = 3",
            'policies.production.standing: found 3; allowed: uses and a duration in quotes, such as "10 in 30d"',
        ),
        ('quiet_hours = "07:00-07:00"', 'policies.production.quiet_hours: found "07:00-07:00"; allowed: two different'),
        (
            'break_glass = ["person:bo"]',
            "policies.production.break_glass: found without [alerts]; allowed: with alerts.to",
        ),
        ('urgency = "now"', 'policies.production.urgency: found "now"; allowed: "low", "medium" or "high"'),
        (
            '[[policies.production.steps]]\nname = "manager"\napprovers = ["person:bo"]',
            "policies.production.approvers: found beside steps; allowed: approvers in each of [[policies.production.",
        ),
    ],
)
def test_a_policy_is_checked_key_by_key(tmp_path: Path, change: str, line: str) -> None:
    (found,) = problems(tmp_path, f"{PEOPLE}{POLICY}{change}\n")

    assert found.startswith(f"sayso.toml: {line}")


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


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('name = "finance"', 'name = "manager"', 'steps[1].name: found "manager" twice; allowed: a name of its own'),
        ('["person:bo"]', '["person:zoe"]', 'steps[0].approvers: found "person:zoe", which is nobody in [people]'),
        ('["group:release"]', '["group:release"]\nquorum = 3', "steps[1].quorum: found 3; allowed: at most 2"),
        (
            '["group:release"]',
            '["group:release"]\nescalate_to = ["person:bo"]',
            "steps[1].escalate_to: found one alone",
        ),
        ('name = "finance"\n', "", "steps[1].name: is missing; allowed: the name on cards, such as manager"),
    ],
)
def test_steps_are_checked_one_by_one(tmp_path: Path, old: str, new: str, line: str) -> None:
    (found,) = problems(tmp_path, PEOPLE + STEPS.replace(old, new))

    assert found.startswith(f"sayso.toml: policies.production.{line}")


def test_a_policy_names_either_approvers_or_steps(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, PEOPLE + POLICY.replace('approvers = ["group:release"]', ""))

    assert found == (
        "sayso.toml: policies.production.approvers: missing; allowed: approvers, or [[policies.NAME.steps]]"
    )


def test_how_long_a_request_stays_open_has_to_be_said_and_is_a_month_at_most(tmp_path: Path) -> None:
    (missing,) = problems(tmp_path, PEOPLE + POLICY.replace('expires_after = "4h"', ""))
    (long,) = problems(tmp_path, PEOPLE + POLICY.replace("4h", "31d"))

    assert missing.startswith("sayso.toml: policies.production.expires_after: is missing; allowed: how long a request")
    assert long == 'sayso.toml: policies.production.expires_after: found "31d"; allowed: at most "30d"'


def test_durations_are_seconds_in_code(tmp_path: Path) -> None:
    found = policy(tmp_path, '["group:release"]')

    assert (found.expires_after_s, found.execute_within_s) == (4 * 3600, 900)


def test_approvers_nest(tmp_path: Path) -> None:
    found = policy(tmp_path, '{all_of = ["person:anna", {any_of = ["person:bo", "group:release"]}]}')

    assert isinstance(found.approvers, AllOfTable)
    assert isinstance(found.approvers.all_of[1], AnyOfTable)
    assert list(refs_of(found.approvers)) == ["person:anna", "person:bo", "group:release"]


@pytest.mark.parametrize(
    ("approvers", "line"),
    [
        ('["bo"]', 'approvers[0]: found "bo"; allowed: "person:NAME", "group:NAME" or "oncall:NAME"'),
        (
            "[3]",
            'approvers[0]: found 3; allowed: "person:NAME", "group:NAME", "oncall:NAME", {all_of=[…]}, {any_of=[…]}',
        ),
        ('{all_of=["person:bo", {any=[]}]}', 'approvers.all_of[1]: found {"any": []}; allowed: "person:NAME"'),
        (
            '["group:relase"]',
            'approvers: found "group:relase", which is nobody in [people]; did you mean "group:release"?',
        ),
        ('{any_of=["person:dee"]}', 'approvers: found "person:dee", which is nobody in [people]; allowed: person:anna'),
    ],
)
def test_approvers_who_cannot_be_meant_are_refused(tmp_path: Path, approvers: str, line: str) -> None:
    (found,) = problems(tmp_path, PEOPLE + POLICY.replace('["group:release"]', approvers))

    assert found.startswith(f"sayso.toml: policies.production.{line}")


def test_two_people_cannot_share_an_address(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, PEOPLE.replace("bo@corp", "Anna@CORP"))

    assert line.startswith('sayso.toml: people.bo.email: found "Anna@CORP.example", which is the address of anna')


@pytest.mark.parametrize(
    "written", ["anna+x@corp.example", "anna@corp.example.", "ANNA+a+b@Corp.Example.", "anna+@corp.example"]
)
def test_one_mailbox_is_one_person_however_it_is_written(tmp_path: Path, written: str) -> None:
    (line,) = problems(tmp_path, PEOPLE.replace("bo@corp.example", written))

    assert line == (
        f'sayso.toml: people.bo.email: found "{written}", which is the address of anna '
        "(anna@corp.example: one mailbox under two names); allowed: one of their own"
    )


def test_other_mailboxes_of_one_domain_are_other_people(tmp_path: Path) -> None:
    for other in ("anna.b@corp.example", "anna@corp.example.org", "+anna@corp.example", "anna-x@corp.example"):
        assert read(tmp_path, PEOPLE.replace("bo@corp.example", other)).people["bo"].email == other


def test_two_people_cannot_share_a_member_id_of_slack(tmp_path: Path) -> None:
    both = PEOPLE.replace('"Anna Ames"', '"Anna Ames"\nslack = "U01ANNA"').replace(
        '"Cy Cole"', '"Cy Cole"\nslack = "U01ANNA"'
    )

    (line,) = problems(tmp_path, both)

    assert line.startswith('sayso.toml: people.cy.slack: found "U01ANNA", which is the member id of anna')


def test_two_people_cannot_share_a_login(tmp_path: Path) -> None:
    logins = PEOPLE.replace('"Anna Ames"', '"Anna Ames"\ngithub = "anna"').replace(
        '"Cy Cole"', '"Cy Cole"\ngithub = "ANNA"'
    )

    (line,) = problems(tmp_path, logins)

    assert line == 'sayso.toml: people.cy.github: found "ANNA", which is the login of anna; allowed: one of their own'


def test_references_between_tables_are_checked(tmp_path: Path) -> None:
    text = PEOPLE + POLICY + '[alerts]\nto=["group:oncall"]\n[deploy.environments.production]\npolicy="producton"\n'
    text += 'repo="/srv/demo"\ncommand=["./deploy.sh"]\nlive=["./live.sh"]\n'

    found = problems(tmp_path, text)

    assert found[0].startswith('sayso.toml: alerts.to: found "group:oncall", which is nobody in [people]')
    place = "sayso.toml: deploy.environments.production.policy"
    assert found[1] == f'{place}: found "producton"; allowed: production, "nobody is asked"'


def test_who_hears_announcements_is_a_person_a_group_or_a_place(tmp_path: Path) -> None:
    (nobody,) = problems(tmp_path, PEOPLE + '[announce]\nto = ["group:oncall", "slack:#ops"]\n')
    (nothing,) = problems(tmp_path, PEOPLE + '[announce]\nto = ["slack:ops"]\n')

    assert nobody.startswith('sayso.toml: announce.to: found "group:oncall", which is nobody in [people]')
    assert nothing.endswith('allowed: "person:NAME", "group:NAME", "oncall:NAME", or "slack:#NAME" of a Slack channel')


def test_an_environment_needs_its_repository_and_commands(tmp_path: Path) -> None:
    found = problems(tmp_path, '[deploy.environments.production]\npolicy = "nobody is asked"\ntimeout = 3')

    assert [line.split(": ")[1].rpartition(".")[2] for line in found] == ["repo", "command", "live", "timeout"]


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


def test_a_policy_that_nobody_could_read_is_refused(tmp_path: Path) -> None:
    text = PEOPLE + POLICY.replace('["group:release"]', str(["group:release"] * 21))

    (found,) = problems(tmp_path, text)

    assert "sayso.toml: policies.production.approvers: found 21 names; allowed: 20. Make groups" in found
