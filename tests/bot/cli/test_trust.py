"""The current folder may be anybody's: it runs nothing, and is sent nothing, before somebody says so."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bot.config.example import example_toml
from bot.config.settings import ConfigError, load
from bot.config.trust import is_trusted, trust
from tests.kit.long import few_of
from tests.kit.programs import sayso

OWN = '[agents.evil]\ncode = "evil:evil_agent"\n'
CODE = 'from pathlib import Path\n\nPath("ran").touch()\n\n\ndef evil_agent():\n    raise OSError("ran")\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository as somebody has just cloned it."""
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "sayso.toml").write_text(OWN)
    (folder / "evil.py").write_text(CODE)
    return folder


async def typed(folder: Path, *words: str, **environ: str) -> tuple[int, str, str]:
    env = {"XDG_STATE_HOME": str(folder.parent / "state"), **environ}
    return await sayso(*words, cwd=folder, env=env)


@pytest.mark.parametrize("command", few_of(["agents", "doctor", "worker", "web", "dev"], 0))
async def test_code_that_a_cloned_repository_names_does_not_run(clone: Path, command: str) -> None:
    options = ["--no-open", "--port", "0", "--demo-port", "0"] if command == "dev" else []

    code, _, err = await typed(clone, command, *options, SAYSO_REDIS_URL="" if command == "dev" else "redis://x")

    assert (code, (clone / "ran").exists()) == (1, False)
    assert "sayso.toml: was found in the current folder and is not trusted" in err
    assert "Look at it, then run: sayso trust" in err
    assert not (clone / ".sayso").exists()


@pytest.mark.long
async def test_once_trusted_it_runs_until_it_is_changed(clone: Path) -> None:
    code, out, _ = await typed(clone, "trust")
    assert (code, (clone / "ran").exists()) == (0, False)
    assert f"{clone / 'sayso.toml'} is trusted as it stands" in out
    assert 'agents.evil.code: "evil:evil_agent"' in out

    await typed(clone, "agents")
    assert (clone / "ran").exists()
    (clone / "ran").unlink()
    (clone / "sayso.toml").write_text(f"{OWN}\n# more")
    _, _, err = await typed(clone, "agents")

    assert ((clone / "ran").exists(), "or has changed since" in err) == (False, True)
    assert ((clone.parent / "state" / "sayso" / "trusted.json").stat().st_mode & 0o777) == 0o600


@pytest.mark.parametrize("name", few_of(["SAYSO_CONFIG", "SAYSO_DATA_DIR"], 0))
async def test_what_an_operator_names_is_trusted_by_that(clone: Path, name: str) -> None:
    named = {"SAYSO_CONFIG": "sayso.toml", "SAYSO_DATA_DIR": "."}[name]

    await typed(clone, "agents", **{name: named})

    assert (clone / "ran").exists()


@pytest.mark.long
async def test_a_link_to_a_file_that_is_trusted_elsewhere_runs_nothing_of_this_folder(clone: Path) -> None:
    own = clone.parent / "own"
    own.mkdir()
    (own / "sayso.toml").write_text(OWN)
    await typed(own, "trust")
    (clone / "sayso.toml").unlink()
    (clone / "sayso.toml").symlink_to("../own/sayso.toml")

    code, _, err = await typed(clone, "agents")

    assert (code, (clone / "ran").exists(), "is not trusted" in err) == (1, False, True)


@pytest.mark.long
async def test_a_data_directory_that_came_with_a_repository_is_not_served(clone: Path) -> None:
    (clone / "sayso.toml").unlink()
    (clone / ".sayso" / "demo" / "shop").mkdir(parents=True)

    code, _, err = await typed(clone, "dev", "--no-open", "--port", "0", "--demo-port", "0")

    assert (code, "no `sayso dev` of yours made it" in err) == (1, True)
    assert not (clone / ".sayso" / "redis").exists()
    (clone / ".sayso" / "sayso.toml").write_text(example_toml(clone))
    assert "is not trusted" in (await typed(clone, "dev", "--no-open", "--port", "0", "--demo-port", "0"))[2]


def test_a_file_is_trusted_with_the_content_that_it_had(short_path: Path) -> None:
    folder = short_path / "clone"
    folder.mkdir()
    file = folder / ".sayso" / "sayso.toml"
    environ = {"XDG_STATE_HOME": str(short_path / "state")}
    file.parent.mkdir()
    file.write_text("")
    trust(environ, file, b"")

    assert is_trusted(environ, file, b"")
    assert not is_trusted(environ, file, b"x")
    assert load(None, environ, cwd=folder).config == file


@pytest.mark.parametrize("how", few_of(["found", "named", "data"], 0))
async def test_the_api_key_is_sent_to_no_address_that_a_file_names(tmp_path: Path, how: str) -> None:
    asked: list[str | None] = []

    class Thief(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])

    with HTTPServer(("127.0.0.1", 0), Thief) as server:
        thread = Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        folder = tmp_path / "clone"
        (folder / ".sayso").mkdir(parents=True)
        (folder / "sayso.toml").write_text(f'url = "http://127.0.0.1:{server.server_port}"\n')
        named = {"SAYSO_CONFIG": "sayso.toml"} if how == "named" else {}
        if how == "data":
            (folder / "sayso.toml").rename(folder / ".sayso" / "sayso.toml")
        words = ["requests", *(["--data", ".sayso"] if how == "data" else [])]
        code, _, err = await typed(folder, *words, SAYSO_API_KEY="sayso_aaaaaaaa_secret", **named)
        server.shutdown()
        thread.join()

    assert (code, asked) == (1, [])
    assert "No `sayso dev` is running" in err


def test_a_folder_of_state_that_is_not_absolute_is_none(tmp_path: Path) -> None:
    (tmp_path / "sayso.toml").write_text("")
    environ = {"HOME": str(tmp_path / "home"), "XDG_STATE_HOME": "."}
    trust(environ, tmp_path / "sayso.toml", b"")

    assert load(None, environ, cwd=tmp_path).config
    assert (tmp_path / "home" / ".local" / "state" / "sayso" / "trusted.json").exists()
    with pytest.raises(ConfigError, match="is not trusted"):
        load(None, {"HOME": str(tmp_path)}, cwd=tmp_path)
