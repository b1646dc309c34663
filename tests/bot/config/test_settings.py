from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config.example import example_toml
from bot.config.settings import ConfigError, Settings, load
from bot.config.tables import AgentConfig
from bot.config.trust import trust
from tests.bot.config_files import PEOPLE, problems, read

LONG = "hush-from-file-and-32-characters-long"


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    text = 'shards = 2\nmodel = "from-file"\n[agents.deploy]\nmax_steps = 3\nmodel = "from-file"'

    settings = read(tmp_path, text, SAYSO_MODEL="from-environment", SAYSO_AGENTS__DEPLOY__MODEL="from-environment")

    assert (settings.shards, settings.model) == (2, "from-environment")
    assert settings.agents["deploy"].model == "from-environment"
    assert settings.agents["deploy"].max_steps == 3
    assert settings.agents["deploy"].max_cost_usd == 0.5


def test_every_setting_of_an_agent_can_come_from_the_environment(tmp_path: Path) -> None:
    words = {"model": "m", "prompt": "deploy@1", "code": "deploying:deploy_agent", "asks": '["person:anna"]'}
    words["triggered_by"] = '["person:anna"]'
    given = words | {
        name: "4" if "int" in str(field.annotation) else "0.25"
        for name, field in AgentConfig.model_fields.items()
        if name not in words
    }
    given |= {"context_tokens": "5000", "max_output_tokens": "5000", "effort": "low", "cache": "False", "timeout": "4s"}
    given |= {"settings": '{"spots": 4}', "keep_replies": "7d"}
    del given["timeout_s"], given["keep_replies_s"]

    settings = read(tmp_path, PEOPLE, **{f"SAYSO_AGENTS__DEPLOY__{name.upper()}": text for name, text in given.items()})

    found = settings.agents["deploy"].model_dump()
    assert (found.pop("timeout_s"), found.pop("keep_replies_s")) == (4, 604_800)
    assert found.pop("settings") == {"spots": 4}
    del given["timeout"], given["settings"], given["keep_replies"]
    assert (found.pop("asks"), found.pop("triggered_by")) == (("person:anna",), ("person:anna",))
    kept = {name: given[name] for name in ("asks", "triggered_by")}
    assert {name: str(found[name]) for name in found} | kept == given


def test_the_file_is_looked_for_in_the_named_place_then_the_data_directory_then_here(tmp_path: Path) -> None:
    data, named = tmp_path / "data", tmp_path / "named.toml"
    data.mkdir()
    for file in (tmp_path / "sayso.toml", data / "sayso.toml", named):
        file.write_text("")

    assert load(data, {"SAYSO_CONFIG": str(named)}, cwd=tmp_path).config == named
    assert load(data, {}, cwd=tmp_path).config == data / "sayso.toml"
    assert load(None, {"SAYSO_DATA_DIR": str(data)}, cwd=tmp_path).config == data / "sayso.toml"
    own = {"XDG_STATE_HOME": str(tmp_path / "state")}
    trust(own, tmp_path / "sayso.toml", b"")
    assert load(None, own, cwd=tmp_path).config == tmp_path / "sayso.toml"


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: can't be read"):
        load(None, {"SAYSO_CONFIG": "gone.toml"}, cwd=tmp_path)
    given = load(tmp_path / "argument", {"SAYSO_DATA_DIR": str(tmp_path / "variable")}, cwd=tmp_path)
    assert given.data_dir == tmp_path / "argument", "the command line wins"


def test_secrets_come_from_the_environment_or_a_file_and_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{LONG}\n")

    settings = read(tmp_path, SAYSO_SECRET_KEY_FILE=str(tmp_path / "key"), ANTHROPIC_API_KEY="hush-from-environment")

    assert settings.secret_key
    assert settings.secret_key.get_secret_value() == LONG
    assert settings.anthropic_api_key
    assert settings.anthropic_api_key.get_secret_value() == "hush-from-environment"
    assert "hush" not in repr(settings)


def test_a_secret_in_the_file_or_in_an_address_is_refused_without_repeating_it(tmp_path: Path) -> None:
    (line,) = problems(tmp_path, 'secret_key = "hush"')
    (address,) = problems(tmp_path, SAYSO_REDIS_URL="http://me:hush@redis.example")
    gone = {"SAYSO_SECRET_KEY_FILE": "/gone", "ANTHROPIC_API_KEY": "hush", "ANTHROPIC_API_KEY_FILE": "/gone"}

    assert line.startswith("sayso.toml: secret_key: a secret must not stand in this file. Set SAYSO_SECRET_KEY")
    assert address.startswith("SAYSO_REDIS_URL: redis_url: found a value that is not shown; allowed: an address")
    assert "hush" not in line + address
    unread = [found.partition(":")[0] for found in problems(tmp_path, **gone)]
    assert unread == ["SAYSO_SECRET_KEY_FILE", "ANTHROPIC_API_KEY_FILE"]


@pytest.mark.parametrize("name", ["SAYSO_AUDIT_KEY", "SAYSO_SECRET_KEY", "SAYSO_TRIGGERS__RELEASES__SECRET"])
def test_attack_a_secret_file_that_is_empty_is_not_taken_for_none(tmp_path: Path, name: str) -> None:
    """Whoever named it wants the log sealed with that key, and not with another one."""
    (tmp_path / "secret").write_text("\n")

    found = problems(tmp_path, **{f"{name}_FILE": str(tmp_path / "secret")})

    [line] = [line for line in found if "is empty" in line]
    assert line == (
        f"{name}_FILE: found 'secret', which is empty; allowed: a file with the secret in it. "
        f"Where there is none, leave {name}_FILE out"
    )


@pytest.mark.parametrize("name", ["ANTHROPIC_BASE_URL", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"])
def test_an_address_of_models_that_is_none_stops_the_start(tmp_path: Path, name: str) -> None:
    for address in ("127.0.0.1:11434/v1", "http://localhost:PORT/v1", "http://me:hidden@[::1/v1", "ftp://llm", "llm"):
        with pytest.raises(ConfigError) as error:
            load(tmp_path, {name: address})

        (problem,) = error.value.problems
        assert problem.startswith(f"{name}: ")
        assert problem.endswith('allowed: an address such as "http://127.0.0.1:8080/v1"')
        assert "hidden" not in problem
    good = load(tmp_path, {"OPENAI_BASE_URL": " https://me:pw@llm.corp.example:8443/team/v1 "})
    assert good.openai_base_url == "https://me:pw@llm.corp.example:8443/team/v1"


def test_a_misspelt_variable_is_told(tmp_path: Path) -> None:
    found = problems(tmp_path, SAYSO_SHARD="1", SAYSO_MODEL__X="1", SAYSO_AGENTS__DEPLOY__MODLE="m", SAYSO_WEATHER="1")

    assert found == (
        'SAYSO_MODEL__X: this release knows no such variable; did you mean "SAYSO_MODEL"?',
        'SAYSO_SHARD: this release knows no such variable; did you mean "SAYSO_SHARDS"?',
        "SAYSO_WEATHER: this release knows no such variable. Remove it",
        (
            'SAYSO_AGENTS__DEPLOY__MODLE: agents.deploy.modle: this release knows no such key; did you mean "model"? '
            f"Allowed: {', '.join(sorted(field.alias or name for name, field in AgentConfig.model_fields.items()))}"
        ),
    )


def test_a_bad_value_from_the_environment_names_the_variable(tmp_path: Path) -> None:
    found = problems(tmp_path, "shards = 4", SAYSO_SHARDS="99", SAYSO_ALERTS__TO="[oops")

    assert found == (
        'SAYSO_SHARDS: shards: found "99"; allowed: a whole number, at least 1, at most 64',
        'SAYSO_ALERTS__TO: alerts.to: found "[oops"; allowed: a list in brackets',
    )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1" * 5000, "holds what can't be used: Exceeds the limit"),
        ("[" * 3000 + "]" * 3000, "is nested too deeply"),
    ],
)
def test_what_nothing_can_count_or_walk_is_a_problem_like_any_other(tmp_path: Path, value: str, said: str) -> None:
    [problem] = problems(tmp_path, f"shards = {value}\n")

    assert problem.startswith(f"sayso.toml: {said}")


def test_the_example_is_valid_and_says_what_the_tour_needs(tmp_path: Path) -> None:
    repo = tmp_path / 'a "quoted" folder'

    settings = read(tmp_path, example_toml(repo))

    assert list(settings.people) == ["anna", "bo", "cy"]
    production = settings.policies["production"]
    assert (production.approvers, production.quorum, production.reach) == (("group:release",), 1, ("email",))
    assert production.approve_by_email
    environments = settings.deploy.environments
    assert (environments["production"].policy, environments["staging"].policy) == ("production", "nobody is asked")
    assert environments["staging"].repo == repo
    assert environments["production"].command == ("./deploy.sh", "{environment}", "{commit}")


VARIABLES = st.sampled_from([f"SAYSO_{name.upper()}" for name in (*Settings.model_fields, "wrong")])
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.integers().map(str)


@settings(deadline=None)  # reads files, so its time is not its own
@given(st.dictionaries(VARIABLES, VALUES, max_size=4))
def test_nonsense_in_variables_is_a_config_error_at_worst(environ: dict[str, str]) -> None:
    with suppress(ConfigError):
        assert load(None, environ, cwd=Path("/dev/null")).shards


def test_a_secret_key_that_can_be_guessed_is_refused_with_how_to_make_one(tmp_path: Path) -> None:
    for key in ("0123456789abcdef0123456789abcde", " " * 40):
        (line,) = problems(tmp_path, SAYSO_SECRET_KEY=key)

        assert "found a value that is not shown; allowed: 32 characters at least" in line
        assert "openssl rand -hex 32" in line
    before = read(tmp_path, SAYSO_SECRET_KEY=LONG, SAYSO_SECRET_KEY_PREVIOUS="x").secret_key_previous
    assert before
    assert before.get_secret_value() == "x"


def test_what_kubernetes_says_of_a_service_that_is_called_sayso_is_no_setting(tmp_path: Path) -> None:
    injected = {
        "SAYSO_SERVICE_HOST": "10.0.0.1",
        "SAYSO_SERVICE_PORT": "8000",
        "SAYSO_SERVICE_PORT_HTTP": "8000",
        "SAYSO_PORT": "tcp://10.0.0.1:8000",
        "SAYSO_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "SAYSO_PORT_8000_TCP_PROTO": "tcp",
        "SAYSO_PORT_8000_TCP_PORT": "8000",
        "SAYSO_PORT_8000_TCP_ADDR": "10.0.0.1",
    }

    assert read(tmp_path, **injected) == read(tmp_path)
    assert read(tmp_path, SAYSO_PORT="tcp://[fd00::1]:8000", SAYSO_SERVICE_HOST="fd00::1") == read(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAYSO_PORT", "8000"),
        ("SAYSO_SERVICE_HOST", "sayso.corp.example"),
    ],
)
def test_what_only_looks_like_it_is_told_as_any_other_mistake(tmp_path: Path, name: str, value: str) -> None:
    (line,) = problems(tmp_path, **{name: value})

    assert line.startswith(f"{name}: this release knows no such variable")
