"""The doctor's findings, each with what fixes it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config.data_dir import DataDir
from bot.config.example import example_toml
from bot.config.settings import Settings, load
from bot.dev.demo import make_demo
from bot.doctor.overall import Finding, examine
from bot.store.client import Client
from bot.store.client.durability import ACCEPTED_LOSS
from bot.store.format import FORMAT, check_format
from bot.store.keys import Keys
from tests.fakes.anthropic import FakeAnthropic
from tests.fakes.anthropic import running as anthropic_running
from tests.kit.programs import KEY
from tests.servers.lines import TOP
from tests.servers.redis import RedisServer

ALONE = {"SAYSO_SECRET_KEY": KEY}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that keeps what it acknowledges."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server.start()


@pytest.fixture(scope="module")
def anthropic() -> Iterator[FakeAnthropic]:
    """A model that answers."""
    with anthropic_running() as fake:
        yield fake


@pytest.fixture
def environ(server: RedisServer, anthropic: FakeAnthropic) -> dict[str, str]:
    """The environment of an installation in which all is well, but that it has no mail."""
    model = {"ANTHROPIC_API_KEY": anthropic.key, "ANTHROPIC_BASE_URL": anthropic.base_url}
    return ALONE | model | {"SAYSO_REDIS_URL": server.url, "SAYSO_AUDIT_KEY": KEY[::-1]}


@pytest.fixture
def data(tmp_path: Path, demo: Path) -> Path:
    """A data directory in which all is well."""
    folder = tmp_path / "data"
    shutil.copytree(demo, folder / "demo", symlinks=True)
    DataDir(folder).note("sayso.toml", example_toml(make_demo(folder / "demo")))
    DataDir(folder).note("mail.json", '{"port": 25}')
    return folder


@pytest.fixture
def locked(data: Path) -> Iterator[Path]:
    """The same, and only to be read."""
    data.chmod(0o500)
    if os.access(data, os.W_OK):
        pytest.skip("root may write everywhere")
    yield data
    data.chmod(0o700)


async def found(settings: Settings, about: str) -> Finding:
    """The one finding with `about` in it."""
    findings = await examine(settings)
    [one] = [finding for finding in findings if about in finding.what]
    return one


async def test_when_all_is_well_nothing_needs_mending(data: Path, environ: dict[str, str]) -> None:
    every = await examine(load(data, environ))

    findings = [finding for finding in every if "mail" not in finding.what and "archive" not in finding.what]
    assert [(finding.sign, finding.fix) for finding in findings] == [("✓", "")] * (len(every) - 3)
    said = "\n".join(finding.what for finding in findings)
    for part in ("3 people", "can be written", "Redis answers", "durability verified", "git is there", "staging"):
        assert part in said


async def test_without_a_redis_it_names_the_ways_to_get_one(data: Path) -> None:
    finding = await found(load(data, ALONE), "no Redis to attach to")

    assert finding.sign == "✗"
    assert "Start one with `./sayso dev`" in finding.fix
    assert "SAYSO_REDIS_URL" in finding.fix


async def test_a_redis_that_does_not_answer_is_to_be_started_or_named_rightly(data: Path, tmp_path: Path) -> None:
    silent = f"unix://{tmp_path}/none.sock"

    findings = await examine(load(data, ALONE | {"SAYSO_REDIS_URL": silent}))

    [wrong, rest] = [finding for finding in findings if "Redis" in finding.what]
    assert (wrong.sign, wrong.fix) == ("✗", "start Redis, or correct SAYSO_REDIS_URL")
    assert (rest.sign, rest.what) == ("–", "not tried: what Redis keeps, allows and holds: it does not answer")


async def test_a_weaker_redis_is_wrong_until_the_loss_is_accepted_in_words(
    data: Path, environ: dict[str, str], server: RedisServer
) -> None:
    connection = server.connect()
    connection.ask("CONFIG", "SET", "appendfsync", "everysec")
    try:
        weaker = await found(load(data, environ), "durability")
        accepted = await found(load(data, environ | {"SAYSO_ACCEPT_DURABILITY": ACCEPTED_LOSS}), "durability")
    finally:
        connection.ask("CONFIG", "SET", "appendfsync", "always")
        connection.close()

    assert weaker.sign == "✗"
    assert "appendfsync is 'everysec', not 'always'" in weaker.what
    assert f"SAYSO_ACCEPT_DURABILITY={ACCEPTED_LOSS!r}" in weaker.fix
    assert (accepted.sign, accepted.fix) == ("!", "")


async def test_a_repository_that_is_not_there_is_named_with_its_setting(data: Path, environ: dict[str, str]) -> None:
    shutil.rmtree(data / "demo" / "shop")

    finding = await found(load(data, environ), "production: no folder")

    assert finding.sign == "✗"
    assert str(data / "demo" / "shop") in finding.what
    assert finding.fix == "set deploy.environments.production.repo"


async def test_a_repository_elsewhere_is_fetched_and_one_that_does_not_answer_is_named(
    data: Path, environ: dict[str, str]
) -> None:
    file, shop = data / "sayso.toml", data / "demo" / "shop"
    file.write_text(file.read_text().replace(f'repo = "{shop}"', f'repo = "file://{shop}"\ncwd = "{shop}"'))
    settings = load(data, environ)

    assert (await found(settings, f"production deploys from file://{shop};")).sign == "✓"
    shutil.rmtree(shop / ".git")
    gone = await found(settings, f"production: file://{shop} could not be reached")

    assert gone.sign == "✗"
    assert gone.fix == "correct deploy.environments.production.repo, or deploy.environments.production.git"


async def test_a_folder_that_is_no_repository_is_told_so(data: Path, environ: dict[str, str]) -> None:
    shutil.rmtree(data / "demo" / "shop" / ".git")

    finding = await found(load(data, environ), "production: no git repository")

    assert (finding.sign, finding.fix) == ("✗", "set deploy.environments.production.repo")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("ANTHROPIC_API_KEY", "junk-key", "invalid x-api-key"),
        ("SAYSO_MODEL", "no-such-model", "model: no-such-model"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1", "Connection error"),
    ],
)
async def test_a_model_that_would_not_answer_is_told_without_the_key(
    data: Path, environ: dict[str, str], variable: str, value: str, said: str
) -> None:
    finding = await found(load(data, environ | {variable: value}), "the model ")

    assert finding.sign == "✗"
    assert said in finding.what
    assert "junk-key" not in finding.what + finding.fix
    assert "ANTHROPIC_API_KEY" in finding.fix


@pytest.mark.parametrize(("listing", "key", "said"), [
    ("none", "sk-test-key", "answers"), ("none", "made-up-key", "invalid x-api-key"),
    ("anybody", "sk-test-key", "answers"), ("anybody", "made-up-key", "invalid x-api-key"),
])  # fmt: skip
async def test_where_a_list_of_models_proves_nothing_a_step_does(
    data: Path, environ: dict[str, str], anthropic: FakeAnthropic, listing: str, key: str, said: str
) -> None:
    anthropic.lists(listing)
    try:
        finding = await found(load(data, environ | {"ANTHROPIC_API_KEY": key}), "the model claude-")
    finally:
        anthropic.lists("ours")

    assert (finding.sign, said in finding.what) == ("✓" if said == "answers" else "✗", True)
    assert "made-up-key" not in finding.what + finding.fix


async def test_a_token_of_git_that_can_t_be_read_ends_no_other_check(data: Path, environ: dict[str, str]) -> None:
    table = '[deploy.environments.far]\npolicy = "production"\nrepo = "https://127.0.0.1:1/shop.git"\nlive = ["true"]\n'
    with (data / "sayso.toml").open("a") as file:
        file.write(f'\n{table}command = ["true"]\ngit = {{token_file = "{data}/none"}}\n')

    findings = await examine(load(data, environ))

    [wrong] = [finding for finding in findings if "can't be read" in finding.what]
    assert (wrong.sign, "git.token_file" in wrong.fix) == ("✗", True)
    assert any("the model claude-" in finding.what for finding in findings)


async def test_an_installation_without_mail_is_told_that_nobody_gets_any(data: Path, environ: dict[str, str]) -> None:
    finding = await found(load(data, environ), "mail is not set up")

    assert finding.sign == "✗"
    assert "SAYSO_SMTP_HOST" in finding.fix


async def test_a_data_directory_below_a_file_is_wrong_and_named_with_the_file(
    data: Path, environ: dict[str, str]
) -> None:
    below = data / "mail.json" / "data"

    finding = await found(load(below, environ), "is a file")

    assert finding.sign == "✗"
    assert finding.what == f"{below}: {data / 'mail.json'} is a file"
    assert finding.fix == "name another data directory with --data"


async def test_a_data_directory_that_is_still_to_be_made_is_worth_knowing(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    findings = await examine(load(tmp_path / "new" / "data", environ))

    assert [finding.what.partition(":")[0] for finding in findings if finding.sign == "✗"] == ["mail is not set up"]
    fixes = {finding.what: finding.fix for finding in findings if finding.sign == "!"}
    assert fixes[f"{tmp_path / 'new' / 'data'} does not exist yet"] == "./sayso dev makes it"
    assert fixes["no sayso.toml was found"] == "./sayso dev writes an example"


async def test_no_key_is_said_to_be_kept_where_nothing_was_ever_started(tmp_path: Path, data: Path) -> None:
    before, after = [await found(load(one, {}), "the secret key is") for one in (tmp_path / "new", data)]

    assert before.what == "the secret key is made with the data directory"
    assert after.what == "the secret key is kept in the data directory"


async def test_a_shared_redis_without_a_shared_secret_key_is_wrong(data: Path, environ: dict[str, str]) -> None:
    del environ["SAYSO_SECRET_KEY"]

    shared = await found(load(data, environ), "SAYSO_SECRET_KEY is not")
    alone = await found(load(data, {}), "secret key")

    assert shared.sign == "✗"
    assert shared.fix.endswith("openssl rand -hex 32")
    assert alone.sign == "✓"


@pytest.mark.long
def test_without_git_the_program_says_what_to_install_and_ends_with_1(
    data: Path, environ: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from bot.cli import main; main()", "doctor", "--data", str(data)],
        check=False, cwd=TOP, env=environ | {"PATH": str(tmp_path), "LANG": "C.UTF-8"}, capture_output=True, text=True,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (1, "")
    assert "✗ git is not installed\n    fix: apt install git\n" in done.stdout


async def test_a_data_directory_of_somebody_else_is_wrong(locked: Path, environ: dict[str, str]) -> None:
    finding = await found(load(locked, environ), "can't be written")

    assert finding.sign == "✗"
    assert finding.fix == f"sudo chown -R $(id -un) {locked}"


async def test_an_address_that_leaves_no_room_for_reply_tokens_is_to_be_shorter(
    data: Path, environ: dict[str, str]
) -> None:
    address = "seventeen-letters@corp.example"

    finding = await found(load(data, environ | {"SAYSO_MAIL_ADDRESS": address}), "no room")

    assert finding.sign == "✗"
    assert finding.what.startswith("seventeen-letters ")
    assert "at most 16 characters before the @" in finding.fix


async def test_without_a_model_key_it_is_a_rehearsal_and_that_is_worth_knowing(
    data: Path, environ: dict[str, str]
) -> None:
    del environ["ANTHROPIC_API_KEY"]

    finding = await found(load(data, environ), "rehearsal")

    assert (finding.sign, finding.fix) == ("!", "ANTHROPIC_API_KEY=…")


@pytest.mark.parametrize(
    ("way", "sign", "what", "fix"),
    [
        ({}, "!", "rehearsal: no model key for openai:gpt-x", "OPENAI_API_KEY=…"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, "✗", "the model openai:gpt-x can't be used", "OPENAI_BASE_URL"),
    ],
)
async def test_a_model_of_another_maker_is_told_with_the_variables_of_that_maker(
    data: Path, environ: dict[str, str], way: dict[str, str], sign: str, what: str, fix: str
) -> None:
    finding = await found(load(data, environ | way | {"SAYSO_MODEL": "openai:gpt-x"}), what)

    assert (finding.sign, fix in finding.fix) == (sign, True)
    assert "ANTHROPIC" not in finding.fix


async def test_the_format_of_the_store_is_named(data: Path, environ: dict[str, str]) -> None:
    client = Client(environ["SAYSO_REDIS_URL"])
    await check_format(client)

    fine = await found(load(data, environ), "the store has format")
    await client.do("SET", Keys(0).format, FORMAT + 1)
    wrong = await found(load(data, environ), "This store has format")

    await client.do("SET", Keys(0).format, FORMAT)
    await client.close()
    assert (fine.sign, fine.what) == ("✓", f"the store has format {FORMAT}, as this release reads it")
    assert (wrong.sign, "Start the release of sayso that wrote it" in wrong.fix) == ("✗", True)
