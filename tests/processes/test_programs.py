"""The program `sayso` as a process manager runs it: how it starts, what it refuses, and a deploy by its processes."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agents.events import ToolStarted
from bot.config.data_dir import DataDir
from tests.browser.dev import Dev
from tests.kit.installation import AWAY, Installation, installed
from tests.kit.programs import TOP, Fresh, Program
from tests.kit.waiting import wait_until


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Installation]:
    with installed(tmp_path) as office:
        office.hold_deploys()
        yield office


def procfile() -> dict[str, list[str]]:
    """The words of each process of the Procfile."""
    lines = (line.partition(": exec sayso ") for line in (TOP / "Procfile").read_text().splitlines())
    return {name: words.replace("$PORT", "0").split() for name, _, words in lines}


@pytest.mark.long
def test_the_processes_of_the_procfile_do_a_deploy_and_what_one_detaches_the_next_adopts(office: Installation) -> None:
    with office.running(*(" ".join(procfile()[name]) for name in ("mail", "worker"))) as (mail, first):
        office.post.write("anna", "deploy v1.1.0 to production")
        office.post.reply("bo", office.post.next_mail("bo", "v1.1.0"), "approved, thanks")
        wait_until(lambda: office.deploys() == ["begun"], what="a deploy")

        first.leaves()
        with office.program("worker", name="second") as second:
            second.wait_for("adopting")
            office.go()
            office.post.next_mail("anna", "Done:")
            second.leaves()
        mail.leaves()

    assert office.deploys() == ["begun", "ended"]
    assert [event.tool for event in office.events(ToolStarted)].count("deploy") == 1


def test_each_process_of_the_procfile_starts_in_a_python_of_its_own_and_leaves(office: Installation) -> None:
    """All others here are forked from one that has imported more than each does for itself."""
    with ExitStack() as stack:
        started: list[Program] = []
        for name, words in procfile().items():
            given = office.environ | (AWAY if words == ["slack"] else {})
            log = office.folder / f"{name}.log"
            started.append(stack.enter_context(Fresh([*words, "--data", str(office.data)], given, log)))
        for program in started:
            program.wait_for()
        for program in started:
            program.leaves()


@pytest.mark.long
@pytest.mark.parametrize("words", procfile().values(), ids=procfile())
@pytest.mark.parametrize("how", ["kill", "freeze"])
def test_a_process_leaves_while_redis_cannot_be_reached(office: Installation, words: list[str], how: str) -> None:
    if words == ["slack"]:
        office.environ |= AWAY
    with office.running(" ".join(words)) as [program]:
        office.redis.kill() if how == "kill" else office.redis.freeze()

        program.leaves()


@pytest.mark.long
def test_sayso_dev_starts_in_a_new_data_directory_and_again_in_the_same_one(tmp_path: Path, short_path: Path) -> None:
    words = ["dev", "--data", str(tmp_path / "data"), "--port", "0", "--demo-port", "0"]
    for _ in ("first", "second"):
        with Program(words, {"XDG_RUNTIME_DIR": str(short_path)}, tmp_path / "log") as program:
            program.wait_for().leaves()


@pytest.mark.long
def test_commands_beside_sayso_dev_speak_for_whom_its_file_names_by_now(tmp_path: Path, short_path: Path) -> None:
    file = tmp_path / "data" / "sayso.toml"
    with Dev(tmp_path, short_path) as dev:
        file.write_text(f'{file.read_text()}\n[people.eve]\nname = "Eve Eder"\nemail = "eve@corp.example"\n')

        def announced() -> bool:
            server = DataDir(tmp_path / "data").server()
            return server is not None and "eve" in server.keys

        wait_until(announced, what="commands know Eve")

        run_id = dev.run("trigger", "deploy v1.1.0 to production", "--as", "eve")
        assert json.loads(dev.run("show", run_id, "--json"))["requester"] == "eve"
        dev.leave()


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "without", "told"),
    [
        (
            ["worker"],
            "SAYSO_SECRET_KEY",
            ("SAYSO_REDIS_URL is set and SAYSO_SECRET_KEY is not", "openssl rand -hex 32"),
        ),
        (["worker"], "SAYSO_REDIS_URL", ("No `sayso dev` is running for", "SAYSO_REDIS_URL")),
        (["mail"], "SAYSO_MAIL_LOCAL", ("mail is not set up", "SAYSO_MAIL_LOCAL=1 to try things out")),
        (["worker"], "SAYSO_MAIL_LOCAL", ("policies.production.reach: found only channels that are not set",)),
    ],
)
def test_a_process_that_lacks_what_it_needs_does_not_start_and_says_how_to_get_it(
    office: Installation, words: list[str], without: str, told: tuple[str, ...]
) -> None:
    del office.environ[without]

    code, said = office.told(*words)

    assert code == 1
    assert [part for part in told if part not in said] == []
    assert "Traceback" not in said
