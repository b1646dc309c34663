"""Somebody leaves the file while a real process runs: it looks at the file by itself, and at once on SIGHUP."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from bot.config.trust import trust
from bot.people.api_keys import Keyring
from bot.people.directory import People
from bot.store import Store
from bot.store.client import Client
from bot.store.client.durability import ACCEPTED_LOSS
from bot.store.format import check_format
from bot.web.serve import port_of
from tests.bot.registry.test_agents import CODE, LINE
from tests.kit.office import QUICK, TOML, settings_of
from tests.kit.programs import KEY, TOP, Fresh, Program
from tests.kit.waiting import PATIENCE_S, wait_until
from tests.servers.redis import RedisServer


async def keys_of(url: str, folder: Path, *people: str) -> list[str]:
    """A key that reads for each of `people`."""
    settings, client = settings_of(folder, TOML), Client(url)
    await check_format(client)
    keyring = Keyring(Store(client, settings.shards), People(settings.people, settings.policies))
    made = [await keyring.create(person=person, scopes=["read"]) for person in people]
    await client.close()
    return [text for _, text in made]


def environ_of(redis: RedisServer) -> dict[str, str]:
    """The variables of a process over this Redis, once it has started."""
    quick = {f"SAYSO_{name}": value for name, value in QUICK.items()}
    return quick | {"SAYSO_REDIS_URL": redis.start().url, "SAYSO_SECRET_KEY": KEY, "SAYSO_MAIL_LOCAL": "1"}


def _first(words: list[str]) -> str:
    return words[0]


def written_unseen(file: Path, text: str) -> None:
    """Write what a look at size, time and place of the file does not tell from what was there."""
    before = file.stat()
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_ino, after.st_mtime_ns) == (before.st_size, before.st_ino, before.st_mtime_ns)


@pytest.mark.long
def test_the_key_of_whoever_leaves_ends_by_the_file_alone_and_at_once_on_sighup(tmp_path: Path) -> None:
    data, file = tmp_path / "data", tmp_path / "data" / "sayso.toml"
    with RedisServer(tmp_path / "redis") as redis:
        of_bo, of_cy = asyncio.run(keys_of(redis.start().url, data, "bo", "cy"))
        file.write_text(TOML)
        environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {
            "SAYSO_REDIS_URL": redis.url,
            "SAYSO_SECRET_KEY": KEY,
        }
        words = ["web", "--port", "0", "--data", str(data)]
        with Program(words, environ, tmp_path / "web.log") as web:
            web.wait_for()
            url = f"{web.address()}/v1/runs"

            def answers(key: str) -> int:
                headers = {"Authorization": f"Bearer {key}"}
                return httpx2.get(url, headers=headers, timeout=PATIENCE_S, trust_env=False).status_code

            assert (answers(of_bo), answers(of_cy)) == (200, 200)
            file.write_text(without_cy := TOML.replace("people.cy", "people.kai").replace("cy@", "kai@"))
            wait_until(lambda: answers(of_cy) == 401, what="the end of Cy's key")
            assert answers(of_bo) == 200

            written_unseen(file, without_cy.replace("people.bo", "people.by").replace("bo@", "by@"))
            web.signal(signal.SIGHUP)
            wait_until(lambda: answers(of_bo) == 401, what="the end of Bo's key")
            assert web.process.poll() is None


@pytest.mark.parametrize("words", [["worker"], ["web", "--port", "0"], ["dev", "--port", "0", "--no-open"]], ids=_first)
def test_a_process_starts_again_by_itself_where_more_has_changed_than_who_is_there_and_refuses_nobody_meanwhile(
    tmp_path: Path, words: list[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    file, log = data / "sayso.toml", tmp_path / "log"
    file.write_text(TOML)
    with RedisServer(tmp_path / "redis") as redis:
        environ = {f"SAYSO_{name}": value for name, value in QUICK.items()} | {"SAYSO_SECRET_KEY": KEY}
        environ |= {} if words[0] == "dev" else {"SAYSO_REDIS_URL": redis.start().url, "SAYSO_MAIL_LOCAL": "1"}
        with Fresh([*words, "--data", str(data)], environ, log) as program:
            program.wait_for()
            address = program.address() if words[0] == "web" else ""
            if words[0] == "dev":
                address = program.printed("HTTP API").removesuffix("/openapi.json")

            def is_ready_again() -> bool:
                if address:  # a connection refused would be an error; one that ends unanswered as it leaves is none
                    with suppress(httpx2.RemoteProtocolError, httpx2.ReadError):
                        assert httpx2.get(f"{address}/healthz", timeout=PATIENCE_S, trust_env=False).status_code == 200
                return log.read_text().count('"ready"') == 2

            file.write_text(f'{TOML}triggers_per_trigger = "7/h"\n')
            wait_until(is_ready_again, what="the process is ready again")
            assert "limits.triggers_per_trigger" in log.read_text()

            program.signal(signal.SIGTERM)
            assert program.ended() == 0


def test_attack_a_process_ends_as_more_has_changed_and_the_code_of_its_agent_is_broken_by_now(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    data.mkdir()
    (data / "valet.py").write_text(CODE)
    file = data / "sayso.toml"
    file.write_text(f"{TOML}\n{LINE}")
    with RedisServer(tmp_path / "redis") as redis:
        environ = environ_of(redis)
        with Fresh(["worker", "--data", str(data)], environ, log) as program:
            program.wait_for()
            (data / "valet.py").write_text("import nothing_of_that_name\n")
            file.write_text(f'{TOML}triggers_per_trigger = "7/h"\n\n{LINE}')
            program.wait_for("the settings can't be read anew")
            assert "nothing_of_that_name" in program.said()

            (data / "valet.py").write_text(CODE)
            program.signal(signal.SIGHUP)
            wait_until(lambda: log.read_text().count('"ready"') == 2, what="the process is ready again")


@pytest.mark.parametrize(
    ("words", "text", "code", "why"),
    [
        (["worker"], f'{TOML}triggers_per_trigger = "7/h"\n\n{LINE}', "import os\n\nos._exit(3)\n", "ended with 3"),
        (["worker"], f'{TOML}\n[agents.valet]\ncode = "valet:valet"\nprompt = "valet@9"\n', CODE, "valet@9"),
        (["web", "--port", "0"], f'bind = "203.0.113.7"\n{TOML}\n{LINE}', CODE, "can't be used"),
    ],
    ids=["a trial that says nothing", "a prompt that is not there", "an address of another machine"],
)
def test_attack_a_process_ends_by_a_file_though_another_tried_to_start_with_it(
    tmp_path: Path, words: list[str], text: str, code: str, why: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "valet.py").write_text(CODE)
    (data / "sayso.toml").write_text(f"{TOML}\n{LINE}")
    with RedisServer(tmp_path / "redis") as redis:
        environ = environ_of(redis) | {"SAYSO_PUBLIC_URL": "https://sayso.corp.example"}
        with Fresh([*words, "--data", str(data)], environ, tmp_path / "log") as program:
            program.wait_for()
            (data / "valet.py").write_text(code)
            (data / "sayso.toml").write_text(text)
            program.wait_for("the settings can't be read anew")
            assert why in program.said()
            assert program.process.poll() is None


@pytest.mark.parametrize("wrong", ["[people", None], ids=["wrong", "gone"])
def test_attack_a_process_ends_as_its_file_is_saved_once_more_while_it_starts_again(
    tmp_path: Path, wrong: str | None
) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    data.mkdir()
    (file := data / "sayso.toml").write_text(TOML)
    with (
        RedisServer(tmp_path / "redis") as redis,
        Fresh(["worker", "--data", str(data)], environ_of(redis), log) as program,
    ):
        program.wait_for()
        file.write_text(f'{TOML}triggers_per_trigger = "7/h"\n')
        program.wait_for("this process starts again")
        file.unlink() if wrong is None else file.write_text(wrong)
        wait_until(lambda: log.read_text().count('"ready"') == 2, what="the process is ready again")
        program.wait_for("half taken" if wrong is None else "the settings can't be read anew")

        file.write_text(f'{TOML}triggers_per_trigger = "8/h"\n')
        wait_until(lambda: log.read_text().count('"ready"') == 3, what="the process is ready by the file that is right")


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["trusted with more", "one comes before it"])
def test_attack_a_process_ends_as_another_file_than_it_was_tried_with_is_trusted_while_it_starts_again(
    tmp_path: Path, *, is_elsewhere: bool
) -> None:
    folder, log, state = tmp_path / "here", tmp_path / "log", {"XDG_STATE_HOME": str(tmp_path / "state")}
    (folder / ".sayso").mkdir(parents=True)
    file = folder / "sayso.toml"

    def save(text: str) -> None:
        trust(state, file, text.encode())
        file.write_text(text)

    save(TOML)
    with RedisServer(tmp_path / "redis") as redis:
        environ = environ_of(redis) | state | {"PYTHONPATH": str(TOP)}
        with Fresh(["worker"], environ, log, folder=folder) as program:
            program.wait_for()
            save(f'{TOML}triggers_per_trigger = "7/h"\n')
            program.wait_for("this process starts again")
            if is_elsewhere:
                (folder / ".sayso" / "sayso.toml").write_text(TOML)
            else:
                save(f'{TOML}triggers_per_trigger = "8/h"\n')
            ready, has_ended = 2 if is_elsewhere else 3, lambda: program.process.poll() is not None
            wait_until(lambda: log.read_text().count('"ready"') == ready or has_ended(), what="it is ready again")
            assert not has_ended(), program.said()


def _without_shards(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.upper() != "SAYSO_SHARDS"}


_ACCEPTS = f'accept_durability = "{ACCEPTED_LOSS}"\n'


@pytest.mark.parametrize(
    ("words", "first", "then", "why"),
    [
        (["worker"], _ACCEPTS, f"shards = 1\n{_ACCEPTS}", "It may only grow"),
        (["web", "--port", "0"], _ACCEPTS, f"shards = 1\n{_ACCEPTS}", "It may only grow"),
        (["worker"], _ACCEPTS, "", "can lose what it has acknowledged"),
    ],
    ids=["worker, fewer shards", "web, fewer shards", "no word for a weak store"],
)
def test_attack_a_process_ends_by_a_file_that_does_not_suit_its_store(
    tmp_path: Path, words: list[str], first: str, then: str, why: str
) -> None:
    (data := tmp_path / "data").mkdir()
    (file := data / "sayso.toml").write_text(f"{first}{TOML}")
    with (
        RedisServer(tmp_path / "redis") as redis,
        Fresh([*words, "--data", str(data)], _without_shards(environ_of(redis)), tmp_path / "log") as program,
    ):
        redis.ask("CONFIG", "SET", "appendfsync", "everysec")
        program.wait_for()
        file.write_text(f"{then}{TOML}")
        program.wait_for("the settings can't be read anew")
        assert why in program.said()
        assert program.process.poll() is None


@pytest.mark.parametrize(
    ("words", "name", "why"),
    [
        ("worker", "redis_url", "Redis"),
        ("web --port 0", "redis_url", "Redis"),
        ("worker", "redis_url of another store", "store"),
        ("web --port 0", "redis_url of another store", "store"),
        ("worker", "data_dir", "/proc/nothing"),
    ],
)
def test_attack_a_process_ends_or_waits_for_ever_by_a_file_that_names_another_store_or_folder_for_its_files(
    tmp_path: Path, words: str, name: str, why: str
) -> None:
    (data := tmp_path / "data").mkdir()
    file = data / "sayso.toml"
    with RedisServer(tmp_path / "redis") as redis, RedisServer(tmp_path / "another") as another:
        environ = environ_of(redis) | {"SAYSO_CONFIG": str(file)}
        said = {"redis_url": environ.pop("SAYSO_REDIS_URL"), "data_dir": str(data)}
        other = {
            "redis_url": "redis://127.0.0.1:1/0",
            "redis_url of another store": another.start().url,
            "data_dir": "/proc/nothing",
        }[name]

        def text(**more: str) -> str:
            return "".join(f'{key} = "{value}"\n' for key, value in (said | more).items()) + TOML

        file.write_text(text())
        with Fresh(words.split(), environ, tmp_path / "log") as program:
            program.wait_for()
            file.write_text(text(**{name.partition(" ")[0]: other}))
            program.wait_for("the settings can't be read anew")
            assert why in program.said()
            assert program.process.poll() is None

            file.write_text(text().replace('"1000/h"', '"999/h"'))
            wait_until(lambda: program.said().count('"ready"') == 2, what="it starts again with what was put right")


def test_attack_a_process_ends_by_a_file_that_has_it_listen_where_another_program_has_its_port(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    (file := data / "sayso.toml").write_text(TOML)
    with RedisServer(tmp_path / "redis") as redis, socket.create_server(("127.0.0.2", 0)) as another:
        words = ["web", "--port", str(port_of(another)), "--data", str(data)]
        environ = environ_of(redis) | {"SAYSO_PUBLIC_URL": "https://sayso.corp.example"}
        with Fresh(words, environ, tmp_path / "log") as web:
            web.wait_for()
            file.write_text(f'bind = "0.0.0.0"\n{TOML}')
            web.wait_for("the settings can't be read anew")
            assert "can't be used" in web.said()
            assert web.process.poll() is None

            another.close()
            web.signal(signal.SIGHUP)
            wait_until(lambda: web.said().count('"ready"') == 2, what="it starts again at the address that is free")


def test_attack_whoever_connects_by_a_name_of_this_machine_is_refused_as_a_process_starts_again(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    (file := data / "sayso.toml").write_text(toml := f'bind = "localhost"\n{TOML}')
    with (
        RedisServer(tmp_path / "redis") as redis,
        Fresh(["web", "--port", "0", "--data", str(data)], environ_of(redis), tmp_path / "log") as web,
    ):
        web.wait_for()
        address = web.address()
        file.write_text(f'{toml}triggers_per_trigger = "7/h"\n')
        wait_until(lambda: web.said().count('"ready"') == 2, what="it starts again")
        assert httpx2.get(f"{address}/healthz", timeout=PATIENCE_S, trust_env=False).status_code == 200


def test_attack_sayso_dev_ends_by_a_file_that_names_a_redis_which_is_not_there(tmp_path: Path) -> None:
    (data := tmp_path / "data").mkdir()
    (file := data / "sayso.toml").write_text(TOML)
    with Fresh(
        ["dev", "--port", "0", "--no-open", "--data", str(data)], {"SAYSO_SECRET_KEY": KEY}, tmp_path / "log"
    ) as dev:
        dev.wait_for()
        file.write_text(f'redis_server = "/nowhere/valkey-server"\n{TOML}')
        dev.wait_for("the settings can't be read anew")
        assert "There is no program /nowhere/valkey-server" in dev.said()
        assert dev.process.poll() is None


@pytest.mark.long
@pytest.mark.parametrize("words", [["worker"], ["web", "--port", "0"], ["mail"]], ids=["worker", "web", "mail"])
def test_attack_a_process_that_starts_or_leaves_is_told_to_read_its_files_anew(
    tmp_path: Path, words: list[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    # While its agents are loaded nothing reads files anew yet.
    (data / "valet.py").write_text(f"import os, signal\n\nos.kill(os.getpid(), signal.SIGHUP)\n{CODE}")
    (data / "sayso.toml").write_text(f"{TOML}\n{LINE}")
    with RedisServer(tmp_path / "redis") as redis:
        environ = environ_of(redis)
        with Program([*words, "--data", str(data)], environ, tmp_path / "log") as program:
            program.wait_for()

            program.signal(signal.SIGTERM)
            while program.process.poll() is None:
                program.signal(signal.SIGHUP)

            assert program.ended() == 0
