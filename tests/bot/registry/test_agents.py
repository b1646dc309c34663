"""Agents from outside the tree: the line in `sayso.toml`, the module beside it, and what is wrong with them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.errors import ConfigError
from bot.config.settings import load
from bot.registry.configured import agents_of
from tests.bot.config_files import problems, read
from tests.kit.long import few_of
from tests.kit.programs import sayso
from tests.kit.waiting import patience

CODE = """
from pathlib import Path
from agents import Agent, Arguments, Done, Outcome, Tool

class Gate(Arguments):
    name: str

async def lift(args, effect, hands):
    return Outcome("up")

def valet():
    tool = Tool(name="lift", description="lift a gate", args=Gate, execute=lift)
    return Agent(name="valet", description="parks", tools=(tool,), fallback=lambda run: Done(summary="parked"))
"""
LINE = '[agents.valet]\ncode = "valet:valet"\n'
PROMPTED = CODE.replace('name="valet"', 'name="valet", prompt="valet", folder=Path(__file__).parent')


SETTLED = """
from pydantic import BaseModel
from agents import Agent, Done

class Lot(BaseModel):
    spots: int
    name: str = "north"

def valet(settings: Lot):
    return Agent(name="valet", description=f"{settings.spots} spots in the {settings.name}", tools=(),
                 fallback=lambda run: Done(summary="parked"))
"""
TABLE = f"{LINE}[agents.valet.settings]\n"


@pytest.fixture(autouse=True)
def forgets() -> Iterator[None]:
    """A process loads a module once; here every test is a process."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name in {"valet", "garage", "colorsys"}:
            del sys.modules[name]


def wrong(folder: Path, code: str, line: str = LINE) -> str:
    """Return what is wrong with the agent in `folder`."""
    (folder / "valet.py").write_text(code)
    with pytest.raises(ConfigError) as caught:
        agents_of(read(folder, line))
    [problem] = caught.value.problems
    return problem.replace(str(folder), "HERE")


def test_an_agent_beside_the_settings_stands_after_ours(tmp_path: Path) -> None:
    (tmp_path / "valet.py").write_text(CODE)

    found = agents_of(read(tmp_path, LINE))

    assert found[0].name == "triage"
    assert [tool.name for agent in found if agent.name == "valet" for tool in agent.tools] == ["lift"]


def test_it_may_import_what_lies_beside_it_and_is_loaded_once(tmp_path: Path) -> None:
    (tmp_path / "garage.py").write_text("LOADED = []\n")
    (tmp_path / "valet.py").write_text("import garage\ngarage.LOADED.append(1)\n" + CODE)
    settings = read(tmp_path, LINE)

    agents_of(settings)
    agents_of(settings)

    assert sys.modules["garage"].LOADED == [1]


@pytest.mark.parametrize("text", ["valet", "../valet:valet", "valet:valet()"])
def test_what_is_no_module_and_function_is_refused(tmp_path: Path, text: str) -> None:
    said = problems(tmp_path, f'[agents.valet]\ncode = "{text}"\n')

    allowed = '"MODULE:FUNCTION", such as "parking:parking_agent" for the function in parking.py'
    assert said == (f'sayso.toml: agents.valet.code: found "{text}"; allowed: {allowed}',)


def named(name: str) -> str:
    return f'[agents.{name}]\ncode = "valet:valet"\n'


WRONG = [
    (
        CODE, '[agents.valet]\ncode = "garage:valet"\n',
        "HERE/sayso.toml: agents.valet.code: there is no garage.py in HERE. Write it there, or correct the name",
    ),
    (CODE, LINE.replace(":valet", ":vallet"), "HERE/valet.py has no function vallet. It has: lift, valet"),
    ("def valet():\n    return 3\n", LINE, "valet() gave back int; it must give back an Agent"),
    (
        "def valet():\n    raise LookupError('no garage')\n", LINE,
        "valet() failed: LookupError: no garage (valet.py, line 2). Fix it, and start again",
    ),
    (CODE, named("deploy"), "agents.deploy.code: sayso has an agent deploy itself. Give yours another name"),
    (CODE, named("parker"), "that agent calls itself 'valet'. Name the table [agents.valet], or the agent 'parker'"),
    (CODE.replace("tools=(tool,)", "tools=(tool, tool)"), LINE, "it has two tools 'lift'"),
    (CODE.replace('"lift"', '"done"'), LINE, "the tool 'done'"),
    (PROMPTED, LINE, "there is no prompt 'valet' in HERE: write valet.md there. There are: none"),
    (
        CODE.replace('name="valet"', 'name="valet", prompt="valet"'), LINE,
        "To the agent add: folder=Path(__file__).parent",
    ),
    (CODE, '[agents.valet]\ncode = "colorsys:valet"\n', "colorsys is a module of"),
    (SETTLED, LINE, "agents.valet.settings: spots: Field required"),
    (CODE, f"{TABLE}spots = 1\n", "agents.valet.settings: valet takes no settings. Give valet a parameter"),
    (SETTLED.replace(": Lot)", ")"), TABLE, "agents.valet.code: the parameter `settings` of valet must name"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "line", "said"), WRONG)
def test_what_is_wrong_with_an_agent_is_named_and_stops_the_start(
    tmp_path: Path, code: str, line: str, said: str
) -> None:
    for name in ("colorsys.py", "prompts.py"):  # called like a module of Python's and one of ours
        (tmp_path / name).write_text("raise SystemExit('I was run')")

    assert said in wrong(tmp_path, code, line)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("\n1 / 0", "ZeroDivisionError: division by zero (valet.py, line 2)"),
        ("def valet(:", "SyntaxError: invalid syntax (valet.py, line 1)"),
    ],
)
def test_a_module_that_breaks_says_its_own_last_line_and_where(tmp_path: Path, code: str, why: str) -> None:
    said = wrong(tmp_path, code)

    assert f"valet.py can't be imported: {why}" in said
    assert said.endswith("Fix it, and start again")
    assert "\n" not in said
    assert len(said) < 600


def test_without_a_file_there_is_no_folder_to_look_in(tmp_path: Path) -> None:
    settings = load(None, {"SAYSO_AGENTS__VALET__CODE": "valet:valet"}, cwd=tmp_path)

    with pytest.raises(ConfigError, match="there is no sayso"):
        agents_of(settings)


@pytest.mark.parametrize("command", few_of(["worker", "web", "mail", "dev", "agents"], 0))
async def test_no_process_starts_with_an_agent_that_breaks(tmp_path: Path, command: str) -> None:
    (tmp_path / "sayso.toml").write_text(f'[people.bo]\nname = "Bo Berg"\nemail = "bo@corp.example"\n{LINE}')
    (tmp_path / "valet.py").write_text("1 / 0")
    options = ["--no-open", "--port", "0", "--demo-port", "0"] if command == "dev" else []
    env = {} if command == "dev" else {"SAYSO_REDIS_URL": "redis://127.0.0.1:1/0", "SAYSO_SECRET_KEY": "x" * 32}
    env |= {"SAYSO_MAIL_LOCAL": "1"} if command == "mail" else {}
    env["SAYSO_CONFIG"] = "sayso.toml"

    async with patience():
        code, _, said = await sayso(command, *options, cwd=tmp_path, env=env)

    assert code == 1
    assert "ZeroDivisionError: division by zero (valet.py, line 1)" in said
    assert "Traceback" not in said


def test_an_agent_has_settings_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "valet.py").write_text(SETTLED)

    agent = agents_of(read(tmp_path, f"{TABLE}spots = 12\n"))

    assert [one.description for one in agent if one.name == "valet"] == ["12 spots in the north"]


def test_a_package_beside_the_settings_can_be_imported_and_stands_in_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "garage.py").write_text("SPOTS = 3\n")
    (tmp_path / "packages" / "json.py").write_text("raise ImportError('this is not the json of Python')\n")
    importing = f"import garage, json\nassert garage.SPOTS == 3 and json.dumps({{}})\n{CODE}"
    (tmp_path / "valet.py").write_text(importing)

    assert "valet" in [agent.name for agent in agents_of(read(tmp_path, LINE))]
