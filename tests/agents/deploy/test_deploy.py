"""The deploy agent on a real repository: what is approved is what is run, and nothing else is."""

import hashlib
import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from agents import Agent, CommandResult, Outcome, ToolContext, ToolRefused, Variables
from agents.deploy import Environment, deploy_agent
from agents.deploy.tools import DeployArgs, question, title
from agents.deploy.version import meant_label
from agents.requests import Effect, Fact
from agents.run import Run
from agents.steps import CallTool
from tests.agents.deploy.repos import PlainHands, Repo, make_repo
from tests.agents.worlds import started


def agent_of(*environments: Environment) -> Agent:
    return deploy_agent({environment.name: environment for environment in environments})


async def prepared(agent: Agent, arguments: Mapping[str, str], tool: str = "deploy") -> Effect:
    named = agent.tool(tool)
    assert named is not None
    return await named.prepare(named.args.model_validate(dict(arguments)))


async def executed(agent: Agent, arguments: Mapping[str, str], hands: ToolContext, tool: str = "deploy") -> Outcome:
    named = agent.tool(tool)
    assert named is not None
    outcome = await named.execute(
        named.args.model_validate(dict(arguments)), await prepared(agent, arguments, tool), hands
    )
    assert isinstance(outcome, Outcome)
    return outcome


V12 = MappingProxyType({"version": "v1.2.0", "environment": "production"})


async def test_preparing_resolves_a_tag_to_the_exact_command_and_changes_nothing(repo: Repo) -> None:
    commit = repo.git("rev-parse", "v1.2.0")
    before = repo.git("rev-parse", "v1.0.0")

    effect = await prepared(agent_of(repo.environment()), V12)

    assert effect.argv == repo.environment().deploy_argv(commit)
    assert effect.argv[-2:] == (commit, "production")
    sh = resolved_sh()
    bound = {f"SHA-256 of {sh}": hashlib.sha256(sh.read_bytes()).hexdigest()}
    assert (effect.versions, effect.artifacts) == ({"v1.2.0": commit}, {"live in production": before, **bound})
    assert effect.commit == "", "no part of the command names a file of the commit"
    assert effect.cwd == str(repo.path)
    assert effect.environment == "production"
    facts = {fact.label: fact.text for fact in effect.facts}
    assert facts["From"] == f"{before} (v1.0.0)"
    assert facts["To"] == f"{commit} (v1.2.0)"
    assert [line.partition(" ")[2] for line in facts["Changes"].splitlines()[1:]] == [
        "Faster start (Anna)",
        "Fix the footer (Anna)",
        "Add search (Anna)",
    ]
    assert (repo.path / "live-production").read_text().strip() == before


async def test_what_is_live_is_part_of_what_is_approved(repo: Repo) -> None:
    agent = agent_of(repo.environment())
    older = {"version": "v1.1.0", "environment": "production"}
    before = await prepared(agent, older)
    await executed(agent, V12, PlainHands())

    after, again = await prepared(agent, older), await prepared(agent, V12)

    base = "live in production"
    assert before.argv == after.argv
    assert before.artifacts[base] == repo.git("rev-parse", "v1.0.0")
    assert after.artifacts[base] == repo.git("rev-parse", "v1.2.0")
    labels = [fact.label for fact in after.facts]
    assert labels == ["From", "To", "Migrations", "Files", "Takes back", "Authors", "Program"]
    assert "Faster start" in after.facts[4].text
    assert again.facts[-2] == Fact(label="Changes", text="none: it is live already")
    repo.git("tag", "--force", "v1.2.0", "v1.1.0")
    moved = await prepared(agent, V12)
    assert (again.argv, again.versions) != (moved.argv, moved.versions)


async def test_a_deploy_that_only_goes_back_is_titled_as_a_rollback(repo: Repo) -> None:
    repo.puts_live(repo.git("rev-parse", "v1.2.0"))
    older = DeployArgs(version="v1.1.0", environment="production")

    effect = await prepared(agent_of(repo.environment()), older.model_dump())

    assert question("deploy", older, effect).startswith(title("rollback", older))


async def test_attack_the_words_of_a_migration_title_no_deploy_as_a_rollback(repo: Repo) -> None:
    (repo.path / "migrations").mkdir()
    (repo.path / "migrations" / "1.sql").write_text("DROP TABLE rollback by 3\n")
    repo.git("add", "migrations")
    repo.commit("Clean up", "v1.3.0")
    newer = DeployArgs(version="v1.3.0", environment="production")

    effect = await prepared(agent_of(repo.environment()), newer.model_dump())

    assert "1 migration with DROP TABLE rollback by 3" in [risk.words for risk in effect.risks]
    assert question("deploy", newer, effect).startswith(title("deploy", newer))


async def test_attack_the_name_of_a_program_titles_no_deploy_as_a_rollback(repo: Repo) -> None:
    program = "x; rollback by 2 commits"
    for number, tag in (("1", "v1.3.0"), ("2", "v1.4.0")):
        (repo.path / program).write_text(number)
        repo.git("add", program)
        repo.puts_live(repo.git("rev-parse", "HEAD"))
        repo.commit("Change the program", tag)
    newer = DeployArgs(version="v1.4.0", environment="production")

    effect = await prepared(agent_of(replace(repo.environment(), command=("sh", program))), newer.model_dump())

    assert [risk.words for risk in effect.risks] == [f"{program} changed"]
    assert question("deploy", newer, effect).startswith(title("deploy", newer))


async def test_a_first_deploy_has_an_unknown_base_as_often_as_it_is_looked_up(repo: Repo) -> None:
    (repo.path / "live-production").unlink()
    agent, hands = agent_of(repo.environment()), PlainHands()

    looks = [await prepared(agent, V12) for _ in range(2)]
    outcome = await executed(agent, V12, hands)

    assert looks[0].facts[0].text.startswith("unknown: 'cat' failed with exit code 1")
    assert [look.artifacts["live in production"] for look in looks] == ["unknown", "unknown"]
    assert looks[0] == looks[1]
    assert not outcome.error
    assert outcome.output.startswith(f"deployed {repo.git('rev-parse', 'v1.2.0')} to production")


async def test_a_short_hash_that_is_live_is_bound_in_full(repo: Repo) -> None:
    commit = repo.git("rev-parse", "v1.1.0")
    repo.puts_live(commit[:7])
    repo.git("branch", commit[:7], "v1.0.0")

    effect = await prepared(agent_of(repo.environment()), V12)

    assert effect.artifacts["live in production"] == commit
    assert effect.facts[0] == Fact(label="From", text=f"{commit} (v1.1.0)")


@pytest.mark.parametrize("tool", ["deploy", "live"])
async def test_a_command_runs_in_the_folder_that_was_prepared(repo: Repo, tmp_path: Path, tool: str) -> None:
    other, hands = make_repo(tmp_path / "other"), PlainHands()
    other.puts_live(other.commit("Something else"))
    arguments = V12 if tool == "deploy" else {"environment": "production"}
    effect = await prepared(agent_of(repo.environment()), arguments, tool)
    moved = agent_of(other.environment()).tool(tool)
    assert moved is not None

    outcome = await moved.execute(moved.args.model_validate(dict(arguments)), effect, hands)

    assert effect.cwd == str(repo.path)
    assert isinstance(outcome, Outcome)
    if tool == "deploy":
        assert hands.cwd == repo.path
    else:
        assert outcome.output == f"{repo.git('rev-parse', 'v1.0.0')} (v1.0.0)"


async def test_a_version_that_is_none_is_refused_with_those_there_are(repo: Repo) -> None:
    for version in ("v9.9.9", "--help", "main", "v1.2.0;id", ""):
        with pytest.raises(ToolRefused, match=r"There is no version .*\. Versions, newest first: v1\.2\.0, v1\.1"):
            await prepared(agent_of(repo.environment()), {"version": version, "environment": "production"})

    repo.git("tag", good := repo.git("rev-parse", "v1.1.0"), "v1.0.0")
    with pytest.raises(ToolRefused, match="is the name of a tag that stands for another commit"):
        await prepared(agent_of(repo.environment()), {"version": good, "environment": "production"})


async def test_the_gate_is_the_environments_policy_and_an_unknown_one_is_refused_and_never_executed(repo: Repo) -> None:
    agent = agent_of(repo.environment(), repo.environment("staging", policy=None))
    tool, hands = agent.tool("deploy"), PlainHands()
    assert tool is not None
    args = tool.args.model_validate({"version": "v1.2.0", "environment": "prod"})
    gates = [tool.gate(tool.args.model_validate({**V12, "environment": name})) for name in ("production", "staging")]
    assert gates == ["production", None]

    with pytest.raises(ToolRefused, match=r"There is no environment 'prod'\. There are: production, staging"):
        tool.gate(args)
    with pytest.raises(ToolRefused, match=r"There is no environment 'prod'"):
        await tool.prepare(args)
    with pytest.raises(ToolRefused, match="There is no environment"):
        await tool.execute(args, Effect(argv=("true",), versions={"v1.2.0": "0" * 40}), hands)
    assert hands.asked is None
    assert tool.title is not None
    odd = tool.args.model_validate({"version": "v1\n\u202eApproved!" + "x" * 500, "environment": "production"})
    assert tool.title(odd).startswith("Deploy v1 Approved!xxx")
    assert len(tool.title(odd)) < 150


async def test_executing_runs_exactly_the_prepared_command_under_the_environments_lock(repo: Repo) -> None:
    agent, hands = agent_of(repo.environment()), PlainHands()
    commit, before = repo.git("rev-parse", "v1.2.0"), repo.git("rev-parse", "v1.0.0")

    outcome = await executed(agent, V12, hands)
    live = await executed(agent, {"environment": "production"}, PlainHands(), "live")

    assert hands.asked == (repo.environment().deploy_argv(commit), "deploy-production", 20.0)
    assert outcome == Outcome(f"deployed {commit} to production\nlive before: {before} (v1.0.0)\nreleased")
    assert live == Outcome(f"{commit} (v1.2.0)")


async def test_a_command_that_fails_is_an_error_with_its_last_lines(repo: Repo) -> None:
    for script, error in (
        ("echo no space left; exit 3", "sh ended with exit code 3.\nno space left"),
        ("kill -9 $$", "sh ended with exit code -9."),
        ("yes line | head -n 99; exit 1", "sh ended with exit code 1.\n" + "\n".join(["line"] * 20)),
    ):
        outcome = await executed(agent_of(repo.environment_running("sh", "-c", script)), V12, PlainHands())
        assert outcome.error == error

    assert len(outcome.printed.split()) == 99, "all of it goes with its error"


async def test_a_command_that_does_not_end_is_an_error_that_says_so(repo: Repo) -> None:
    class Stopped(PlainHands):
        async def command(
            self,
            argv: Sequence[str],
            *,
            cwd: Path,
            lock: str,
            timeout_s: float,
            commit: str = "",
            variables: Callable[[], Awaitable[Variables]] | None = None,
        ) -> CommandResult:
            return CommandResult(None, "half way")

    outcome = await executed(agent_of(repo.environment()), V12, Stopped())

    assert outcome.error == "sh was stopped at its time-out of 20 s.\nhalf way"


async def test_what_is_live_can_be_looked_up_without_a_gate(repo: Repo) -> None:
    agent = agent_of(repo.environment())
    tool = agent.tool("live")
    assert tool is not None

    (repo.path / "live-production").write_text("Internal Server Error \x1b[31m\n")
    odd = await executed(agent, {"environment": "production"}, PlainHands(), "live")

    assert tool.gate(tool.args.model_validate({"environment": "production"})) is None
    assert tool.idempotent
    assert odd.error == "'cat' printed 'Internal Server Error [31m', which is no commit"


async def test_prefetching_finds_versions_what_is_live_and_the_changes_of_the_wish(repo: Repo) -> None:
    repo.puts_live(repo.git("rev-parse", "v1.1.0"), "staging")
    agent = agent_of(repo.environment(), repo.environment("staging", policy=None))

    found = await agent.prefetch(Run(started=started("deploy v1.2.0 to staging")))

    facts = {fact.label: fact.text for fact in found}
    assert facts["Versions for production"] == "v1.2.0, v1.1.0, v1.0.0"
    assert facts["Live in production"].endswith("(v1.0.0)")
    assert facts["Live in staging"].endswith("(v1.1.0)")
    assert facts["Changes in staging with v1.2.0"].endswith("Faster start (Anna)")


async def test_prefetching_finds_the_tag_that_is_meant_and_what_that_would_change(repo: Repo) -> None:
    repo.puts_live(repo.git("rev-parse", "v1.1.0"), "staging")
    agent = agent_of(repo.environment(), repo.environment("staging", policy=None))

    for text, said in (("deploy latest to stag", "latest"), ("deploy 1.2.0 to staging", "1.2.0")):
        run = Run(started=started(text))
        found = await agent.prefetch(run)

        facts = {fact.label: fact.text for fact in found}
        assert facts[meant_label(said, "staging")] == "v1.2.0"
        assert facts["Changes in staging with v1.2.0"].endswith("Faster start (Anna)")
        step = agent.fallback(replace(run, facts=found))
        assert step == CallTool(tool="deploy", arguments={"version": "v1.2.0", "environment": "staging"})


async def test_a_look_up_that_fails_is_a_fact(repo: Repo, tmp_path: Path) -> None:
    gone = Environment("gone", None, tmp_path / "nowhere", ("true",), ("cat", "live"), 1.0)

    found = await agent_of(gone, repo.environment()).prefetch(Run(started=started("deploy v1 to gone")))

    facts = {fact.label: fact.text for fact in found}
    assert "No such file or directory" in facts["Versions for gone: look-up failed"]
    assert "No such file or directory" in facts["Live in gone: look-up failed"]
    assert facts["Changes in gone with v1"].startswith("unknown: cannot run")
    assert facts["Versions for production"] == "v1.2.0, v1.1.0, v1.0.0"


@pytest.mark.parametrize(
    ("command", "live", "message"),
    [
        (("./d", "{version}"), ("./l",), r"command holds \{version\}; it may hold \{commit\}, \{environment\}"),
        (("./d",), ("./l", "{commit}"), r"production\.live holds \{commit\}; it may hold \{environment\}"),
        ((), ("./l",), r"production\.command is empty"),
    ],
)
def test_a_command_with_an_unknown_place_is_refused_at_the_start(
    tmp_path: Path, command: tuple[str, ...], live: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Environment("production", None, tmp_path, command, live, 1.0)


def test_values_are_filled_in_once_and_not_read_again(tmp_path: Path) -> None:
    odd = Environment("{commit}", None, tmp_path, ("d", "{environment}={commit}"), ("l",), 1.0)

    assert odd.deploy_argv("c0ffee") == ("d", "{commit}=c0ffee")


BOUND: list[tuple[tuple[str, ...], bool, list[str]]] = [
    (("./deploy.sh", "{commit}"), True, []),
    (("{repo}/deploy.sh",), True, []),
    (("sh", "deploy.sh"), True, ["sh"]),
    (("sh", "."), True, ["sh"]),
    (("sh", "bin"), False, ["sh"]),
    (("sh", "../deploy.sh", "--with=deploy.sh"), False, ["sh"]),
    (("./untracked.sh", "deploy.sh"), False, ["untracked.sh"]),
    (("../outside.sh",), False, ["outside.sh"]),
]


async def test_a_program_is_bound_by_the_commit_or_by_its_hash(repo: Repo) -> None:
    commit = with_programs(repo)
    for parts, is_copied, bound in BOUND:
        command = tuple(part.replace("{repo}", str(repo.path)) for part in parts)

        effect = await prepared(agent_of(repo.environment_running(*command)), {**V12, "version": "v2.0.0"})

        hashed = [name for name in effect.artifacts if name.startswith("SHA-256 of ")]
        wanted = [resolved_sh().name if name == "sh" else name for name in bound]
        assert [Path(name.removeprefix("SHA-256 of ")).name for name in hashed] == wanted, parts
        assert effect.commit == (commit if is_copied else ""), parts


async def test_a_program_that_nothing_binds_is_refused_before_anybody_is_asked(repo: Repo) -> None:
    with_programs(repo)
    for program, why in (
        ("no-such-program", "There is no program 'no-such-program' on PATH"),
        ("./gone.sh", "There is no program './gone.sh' in .*, nor in the commit"),
        ("./link.sh", "'./link.sh' is a symbolic link in commit"),
        ("./bin", "'./bin' is a folder in commit"),
        ("/", "/ is no program that can be bound|/ can't be read"),
    ):
        with pytest.raises(ToolRefused, match=why):
            await prepared(agent_of(repo.environment_running(program)), {**V12, "version": "v2.0.0"})


def with_programs(repo: Repo) -> str:
    (repo.path / "bin").mkdir()
    for name in ("deploy.sh", "bin/tool", "../outside.sh"):
        (repo.path / name).write_text("#!/bin/sh\n")
    (repo.path / "link.sh").symlink_to("deploy.sh")
    repo.git("add", "deploy.sh", "bin", "link.sh")
    (repo.path / "untracked.sh").write_text("#!/bin/sh\n")
    return repo.commit("Add programs", "v2.0.0")


def resolved_sh() -> Path:
    return Path(shutil.which("sh") or "").resolve()
