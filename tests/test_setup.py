"""A program that cannot run says in one line why, and what to do; nothing is left running."""

import os
from pathlib import Path

import pytest

from bot.store.embedded import EmbeddedRedis
from tests.kit.long import few_of
from tests.kit.office import TOML
from tests.kit.programs import TOP, typed


def told(*words: str, **environ: str) -> str:
    """Return what the program `sayso` says to a person as it ends by itself; never a traceback."""
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(TOP)}
    done = typed(*words, env=path | environ, cwd=Path("/"))
    assert done.code == 1
    assert "Traceback" not in done.err + done.out
    assert done.err.startswith("sayso: ")
    return done.err


@pytest.mark.parametrize(
    "case",
    few_of(
        [
            ("[people.anna\n", ("sayso.toml", "not valid TOML", "line 1")),
            (TOML.replace("approve_by_email", "aprove_by_email"), ("production.aprove_by_email", "approve_by_email")),
            (TOML.replace('"4h"', '"4 hours"'), ("policies.production.expires_after", '"4 hours"', '"4h"')),
            (TOML.replace("quorum = 2", "quorum = 3"), ("policies.pair", "3")),
            (TOML.replace('["group:release"]', '["group:relase"]'), ("group:relase",)),
            (TOML.replace("quorum = 2", 'quorum = "two"'), ("policies.pair.quorum", '"two"')),
        ],
        1,
    ),
)
@pytest.mark.long
def test_a_broken_configuration_names_the_file_the_key_what_was_found_and_what_is_allowed(
    short_path: Path, case: tuple[str, tuple[str, ...]]
) -> None:
    toml, parts = case
    (short_path / "sayso.toml").write_text(toml)

    said = told("worker", "--data", str(short_path))

    assert str(short_path / "sayso.toml") in said
    for part in parts:
        assert part in said


@pytest.mark.long
def test_a_broken_configuration_does_not_let_a_newcomer_start_and_leaves_nothing_running(short_path: Path) -> None:
    (short_path / "sayso.toml").write_text("[people.anna\n")

    assert "not valid TOML" in told("dev", "--data", str(short_path), "--port", "0", "--demo-port", "0")

    with EmbeddedRedis(short_path, short_path / "run"):
        pass


@pytest.mark.long
def test_a_data_directory_that_cannot_be_written_is_named(short_path: Path) -> None:
    (short_path / "file").write_text("not a directory")

    said = told("dev", "--data", str(short_path / "file" / "data"))

    assert "can't be written" in said
    assert "Give --data a directory of your own" in said


@pytest.mark.long
def test_a_data_directory_that_is_in_use_is_named_with_its_user(short_path: Path) -> None:
    with EmbeddedRedis(short_path, short_path / "run"):
        said = told("dev", "--data", str(short_path), "--port", "0", "--demo-port", "0")

    assert str(short_path) in said
    assert str(os.getpid()) in said


def test_a_command_beside_nothing_says_how_to_start_something(short_path: Path) -> None:
    said = told("trigger", "deploy", "--as", "anna", "--data", str(short_path))

    assert f"Start one with `sayso dev --data {short_path}`" in said


@pytest.mark.long
def test_an_unknown_environment_variable_is_an_error_with_a_guess(short_path: Path) -> None:
    said = told("worker", "--data", str(short_path), SAYSO_SHARD="4")

    assert "SAYSO_SHARD" in said
    assert "SAYSO_SHARDS" in said
