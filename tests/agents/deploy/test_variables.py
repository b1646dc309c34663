"""What commands get beside PATH, HOME and LANG: named on the card, bound, and its secrets shown by nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents import ToolRefused
from agents.deploy import Environment, deploy_agent
from agents.deploy.checks import ci
from agents.deploy.lookup import LookFailed
from agents.deploy.variables import look_in, variables_of
from agents.requests import Effect
from tests.agents.deploy.repos import PlainHands, Repo, make_repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "shop")


@pytest.fixture
def environment(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """One whose commands get a variable of each kind."""
    monkeypatch.setenv("KUBECONFIG", "/etc/kube")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-hush-77")
    (tmp_path / "token").write_text("file-hush-99\n")
    env = {"REGION": "eu-1", "API_TOKEN_FILE": str(tmp_path / "token")}
    return replace(repo.environment(), pass_env=("KUBECONFIG", "AWS_SECRET_ACCESS_KEY"), env=env)


def write(environment: Environment, secret: str) -> None:
    Path(environment.env["API_TOKEN_FILE"]).write_text(secret)


async def prepared(environment: Environment) -> Effect:
    tool = deploy_agent({"production": environment}).tool("deploy")
    assert tool is not None
    return await tool.prepare(tool.args.model_validate({"version": "v1.2.0", "environment": "production"}))


async def test_the_card_names_each_variable_and_where_it_comes_from(environment: Environment) -> None:
    effect = await prepared(environment)

    facts = {fact.label: fact.text for fact in effect.facts}
    assert facts["Variables"] == (
        "KUBECONFIG, AWS_SECRET_ACCESS_KEY of this machine; API_TOKEN from files; REGION of the settings"
    )
    shown = effect.model_dump_json()
    assert not any(value in shown for value in ("/etc/kube", "aws-hush", "file-hush", "eu-1"))


@pytest.mark.parametrize(
    "change", [{"pass_env": ("KUBECONFIG",)}, {"env": {"REGION": "us-1"}}, {"env": {"API_TOKEN_FILE": "/dev/null"}}]
)
async def test_an_approval_is_bound_to_the_names_to_what_the_settings_say_and_to_where_secrets_are(
    environment: Environment, change: dict[str, object]
) -> None:
    before = await prepared(environment)

    after = await prepared(replace(environment, **change))  # pyright: ignore[reportArgumentType]

    assert before.artifacts["variables"] != after.artifacts["variables"]


async def test_an_approval_is_bound_to_what_is_passed_on_and_is_no_secret(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await prepared(environment)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "renewed-hush-78")
    renewed = await prepared(environment)
    monkeypatch.setenv("KUBECONFIG", "/etc/kube-of-production")

    assert before.artifacts == renewed.artifacts != (await prepared(environment)).artifacts


async def test_a_secret_of_a_file_may_be_renewed_between_approval_and_start(environment: Environment) -> None:
    before = await prepared(environment)

    write(environment, "another-hush")

    assert (await prepared(environment)).artifacts == before.artifacts


async def test_without_variables_an_approval_is_what_it_was_before_there_were_any(repo: Repo) -> None:
    effect = await prepared(repo.environment())

    assert "variables" not in effect.artifacts
    assert "Variables" not in {fact.label for fact in effect.facts}


async def test_commands_that_look_get_them_and_show_no_secret(environment: Environment) -> None:
    script = 'echo "$KUBECONFIG $REGION $API_TOKEN $AWS_SECRET_ACCESS_KEY"'

    assert await look_in(environment, ["sh", "-c", script]) == "/etc/kube eu-1 [redacted] [redacted]\n"
    with pytest.raises(LookFailed) as caught:
        await look_in(environment, ["sh", "-c", 'echo "no: $API_TOKEN" >&2; echo "$API_TOKEN"; exit 3'])

    assert str(caught.value) == "'sh' failed with exit code 3: no: [redacted]"
    assert caught.value.output == "[redacted]\n"


@pytest.mark.parametrize(
    "script",
    [
        'echo "$API_TOKEN" | head -c 300 >&2; exit 1',  # of which an error shows the beginning
        'head -c 255990 /dev/zero | tr "\\0" x; echo "$API_TOKEN"',  # over the end of what is read
        'printf "file-\\033[1mhush\\033[0m-99"',
        'echo "$API_TOKEN" | sed "s/$/\\r/"',
    ],
)
async def test_no_part_of_a_secret_is_left_by_a_cut_a_colour_or_a_line_break(
    environment: Environment, script: str
) -> None:
    write(environment, "file-hush-99\nsecond line of it\n")

    try:
        printed = await look_in(environment, ["sh", "-c", script])
    except LookFailed as error:
        printed = f"{error} {error.output}"

    assert "hush" not in printed
    assert "second" not in printed
    assert "file-h" not in printed


@pytest.mark.long
async def test_a_long_secret_of_one_line_is_masked_whole(environment: Environment) -> None:
    secret = "".join(f"{number:05}" for number in range(8_000))
    write(environment, secret)

    assert set(await look_in(environment, ["sh", "-c", 'echo "$API_TOKEN"'])) <= set("[redacted]\n")


async def test_a_list_of_checks_that_was_cut_is_said_to_be_not_whole(environment: Environment) -> None:
    looking = replace(environment, ci=("sh", "-c", "seq 60000"))

    status = await ci(looking, "c0ffee")

    assert status is not None
    assert status.unread == "the command printed more than can be read"


async def test_a_file_that_holds_more_than_a_variable_can_is_told(environment: Environment) -> None:
    write(environment, "x" * 70_000)

    with pytest.raises(LookFailed, match="holds more than a variable can"):
        await variables_of(environment)


async def test_the_deploy_gets_them(environment: Environment) -> None:
    deploying = replace(environment, command=("sh", "-c", 'echo "$REGION $KUBECONFIG"'))
    tool = deploy_agent({"production": deploying}).tool("deploy")
    assert tool is not None
    args = tool.args.model_validate({"version": "v1.2.0", "environment": "production"})

    outcome = await tool.execute(args, await tool.prepare(args), PlainHands())

    assert "eu-1 /etc/kube" in str(outcome)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"pass_env": ("NOT_SET_HERE",)}, "NOT_SET_HERE is to be passed on (pass_env) and is not set"),
        ({"env": {"TOKEN_FILE": "/nowhere/token"}}, "TOKEN_FILE: /nowhere/token can't be read: No such file"),
    ],
)
async def test_what_is_missing_is_told_before_anybody_is_asked(
    environment: Environment, change: dict[str, object], why: str
) -> None:
    lacking = replace(environment, **change)  # pyright: ignore[reportArgumentType]

    with pytest.raises(LookFailed) as caught:
        await variables_of(lacking)
    with pytest.raises(ToolRefused):
        await prepared(lacking)

    assert str(caught.value).startswith(why)
