"""What commands get beside PATH, HOME and LANG: named on the card, bound, and its secrets shown by nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents import ToolRefused
from agents.deploy import Environment, deploy_agent
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


async def test_an_approval_is_bound_to_names_settings_and_what_is_passed_on_but_to_no_secret(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await prepared(environment)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "renewed-hush-78")
    write(environment, "another-hush")
    assert (await prepared(environment)).artifacts == before.artifacts

    others = [
        replace(environment, pass_env=("KUBECONFIG",)),
        replace(environment, env={"REGION": "us-1"}),
        replace(environment, env={"API_TOKEN_FILE": "/dev/null"}),
    ]
    bound = [(await prepared(other)).artifacts["variables"] for other in others]
    monkeypatch.setenv("KUBECONFIG", "/etc/kube-of-production")
    bound += [(await prepared(environment)).artifacts["variables"], before.artifacts["variables"]]
    assert len(set(bound)) == 5


async def test_commands_that_look_get_them_and_show_no_secret(environment: Environment) -> None:
    script = 'echo "$KUBECONFIG $REGION $API_TOKEN $AWS_SECRET_ACCESS_KEY"'

    assert await look_in(environment, ["sh", "-c", script]) == "/etc/kube eu-1 [redacted] [redacted]\n"
    with pytest.raises(LookFailed) as caught:
        await look_in(environment, ["sh", "-c", 'echo "no: $API_TOKEN" >&2; echo "$API_TOKEN"; exit 3'])

    assert str(caught.value) == "'sh' failed with exit code 3: no: [redacted]"
    assert caught.value.output == "[redacted]\n"


HIDDEN = (
    'echo "$API_TOKEN" | head -c 300 >&2; exit 1',  # of which an error shows the beginning
    'head -c 255990 /dev/zero | tr "\\0" x; echo "$API_TOKEN"',  # over the end of what is read
    'printf "file-\\033[1mhush\\033[0m-99"',
    'echo "$API_TOKEN" | sed "s/$/\\r/"',
)


async def test_no_part_of_a_secret_is_left_by_a_cut_a_colour_or_a_line_break(environment: Environment) -> None:
    write(environment, "file-hush-99\nsecond line of it\n")
    for script in HIDDEN:
        try:
            printed = await look_in(environment, ["sh", "-c", script])
        except LookFailed as error:
            printed = f"{error} {error.output}"

        assert [part for part in ("hush", "second", "file-h") if part in printed] == [], script


async def test_the_deploy_gets_them(environment: Environment) -> None:
    deploying = replace(environment, command=("sh", "-c", 'echo "$REGION $KUBECONFIG"'))
    tool = deploy_agent({"production": deploying}).tool("deploy")
    assert tool is not None
    args = tool.args.model_validate({"version": "v1.2.0", "environment": "production"})

    outcome = await tool.execute(args, await tool.prepare(args), PlainHands())

    assert "eu-1 /etc/kube" in str(outcome)


async def test_what_is_missing_is_told_before_anybody_is_asked(environment: Environment) -> None:
    write(environment, "x" * 70_000)
    for lacking, why in (
        (replace(environment, pass_env=("NOT_SET_HERE",)), "NOT_SET_HERE is to be passed on .pass_env. and is not set"),
        (replace(environment, env={"TOKEN_FILE": "/nowhere/token"}), "TOKEN_FILE: /nowhere/token can't be read: No su"),
        (environment, "holds more than a variable can"),
    ):
        with pytest.raises(LookFailed, match=why):
            await variables_of(lacking)
        with pytest.raises(ToolRefused):
            await prepared(lacking)
