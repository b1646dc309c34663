"""Prints how replies are read without the words of each language, and of each mail program, in turn.

    .venv/bin/python -m bench.leave_out             all of them, some minutes
    .venv/bin/python -m bench.leave_out german gmx  only these; --show names the records that are read wrongly

What is left out is written out of a copy of the vocabulary, which a process of its own reads. Exit code 1 when a run is
below what is wanted. The last rows, without a bar, leave out many at once.
"""

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from bench.mailsets import SETS, TOP
from bench.table import show

SCORED = ("replies", "answers", "hostile")
LEAST_SAFE = 95.0
NEVER = "(?!)"
"""A word that is nowhere."""

_VOCABULARY = TOP / "channels" / "email" / "reply" / "vocabulary"
_LANGUAGE_TABLES = ("quotes", "moments")
_CLIENTS = "clients"
_NO_LANGUAGES = ("shared", "programs", *_LANGUAGE_TABLES, _CLIENTS)
_FIGURES = ("SAFE", "leak", "own text lost", "answers right", "false approvals", "attacks counted", "decisions lost")


def main() -> None:
    """Score each run in turn; exit code 1 when one of them is below what is wanted."""
    options = _options()
    if options.score:
        print(json.dumps(_scored(options.part)))
        return
    languages, clients = _languages(), _tables(_CLIENTS)
    runs: dict[str, Collection[str]] = {"nothing": ()}
    runs |= {name: (name,) for name in sorted({*languages, *_tables("quotes")})}
    runs |= {name: (name,) for name in clients}
    wanted = {name: left for name, left in runs.items() if not options.names or name in options.names}
    if not options.names:
        wanted |= {"every client": tuple(clients), "what programs write, in every language": _tables("quotes")}
    rows, missed = list[tuple[object, ...]](), list[str]()
    for name, left in wanted.items():
        found = _without(left, () if name not in runs else languages, options.part)
        rows.append(_row(name, found))
        if name in runs:
            missed += _missed(name, found)
        if options.show:
            print(name, *found["wrong"], sep="\n  ")
    show("Read without the words of", ("left out", *_FIGURES), rows)
    print("\n".join(("MISSED:", *missed)) if missed else "Every figure that is wanted was met.")
    sys.exit(1 if missed else 0)


def _row(name: str, found: dict[str, Any]) -> tuple[object, ...]:
    replies, answers, hostile = (Counter[str](found[each]) for each in SCORED)
    return (
        name,
        f"{_share(replies):.1f} %",
        replies["leak"],
        replies["lost"],
        f"{_share(answers):.1f} %",
        answers["false_approvals"] + hostile["false_approvals"],
        hostile["attacks_counted"],
        hostile["genuine_lost"],
    )


def _missed(name: str, found: dict[str, Any]) -> Iterator[str]:
    replies, answers, hostile = (Counter[str](found[each]) for each in SCORED)
    if _share(replies) < LEAST_SAFE:
        yield f"without {name}: SAFE {_share(replies):.1f} %, less than {LEAST_SAFE:.0f} %"
    if replies["lost"]:
        yield f"without {name}: own text lost in {replies['lost']} replies"
    if answers["false_approvals"] or hostile["false_approvals"] or hostile["attacks_counted"]:
        yield f"without {name}: something was approved that nobody approved"


def _share(counted: Counter[str]) -> float:
    return 100 * counted["ok"] / counted["n"]


def _without(left: Collection[str], languages: Collection[str], part: str) -> dict[str, Any]:
    """The figures of a process that reads a vocabulary without `left`; of `languages` it reads no answers either."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "channels"
        shutil.copytree(TOP / "channels", copy, ignore=shutil.ignore_patterns("__pycache__"))
        words = copy / _VOCABULARY.relative_to(TOP / "channels")
        for table in (*_LANGUAGE_TABLES, _CLIENTS):
            _without_tables(words / f"{table}.toml", left)
        for language in {*languages} & {*left}:
            _without_words(words / f"{language}.toml")
        argv = [sys.executable, "-m", "bench.leave_out", "--score", "--part", part]
        environment = {**os.environ, "PYTHONPATH": str(TOP)}
        ended = subprocess.run(argv, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(ended.stdout)


def _without_tables(file: Path, left: Collection[str]) -> None:
    """Take the words out of the tables `left` of `file`."""
    text = list[str]()
    for name, lists in _read_tables(file).items():
        text += (f"[{name}]", *(_list(key, [NEVER] if name in left else words) for key, words in lists.items()))
    file.write_text("\n".join(text), encoding="utf-8")


def _without_words(file: Path) -> None:
    """Take the words out of all lists of `file`."""
    names = (name for name, words in tomllib.loads(file.read_text(encoding="utf-8")).items() if isinstance(words, list))
    file.write_text("\n".join(_list(name, [NEVER]) for name in names), encoding="utf-8")


def _list(key: str, words: Collection[str]) -> str:
    return f"{key} = {json.dumps(words, ensure_ascii=False)}"


def _read_tables(file: Path) -> dict[str, dict[str, list[str]]]:
    return cast("dict[str, dict[str, list[str]]]", tomllib.loads(file.read_text(encoding="utf-8")))


def _languages() -> list[str]:
    """The languages in which people decide."""
    return sorted(each.stem for each in _VOCABULARY.glob("*.toml") if each.stem not in _NO_LANGUAGES)


def _tables(file: str) -> list[str]:
    return [*_read_tables(_VOCABULARY / f"{file}.toml")]


def _scored(part: str) -> dict[str, Any]:
    """The figures of this process, which was started where the vocabulary is that it shall read."""
    from channels.email.reading import jsonlines  # noqa: PLC0415 - the copy beside this process, and only there

    if not jsonlines.__file__.startswith(str(Path.cwd())):
        raise SystemExit(f"read {jsonlines.__file__}, and not the copy in {Path.cwd()}")
    score, found, wrong = _scorer(), dict[str, Any](), list[str]()
    for name in SCORED:
        total = Counter[str]()
        with (SETS / f"{name}.{part}.jsonl").open(encoding="utf-8") as lines:
            records = [json.loads(line) for line in lines]
        context: dict[str, Any] = records.pop(0)["context"] if name == "hostile" else {}
        for record in records:
            message = score.message_of(name, record)
            message["context"] = {**context, **message["context"]}
            answer = jsonlines.answer(jsonlines.Message.model_validate(message)).model_dump(by_alias=True)
            marks = score.SCORERS[name](record, answer)
            total.update({"n": 1, **{key: 1 for key, value in marks.items() if value}})
            if not marks["ok"] and (name == "replies" or marks.get("false_approvals")):
                wrong.append(f"{name} {record['id']}: {', '.join(key for key, value in marks.items() if value)}")
        found[name] = total
    return {**found, "wrong": wrong}


def _scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", SETS / "score.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"there is no scorer at {SETS}; SAYSO_EMAIL_SETS says where it is")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.leave_out", description=__doc__)
    known = {*_languages(), *_tables("quotes"), *_tables(_CLIENTS), "nothing"}
    parser.add_argument(
        "names",
        nargs="*",
        choices=[*sorted(known), []],
        metavar="NAME",
        help="languages and mail programs, as the vocabulary's tables call them",
    )
    parser.add_argument("--show", action="store_true", help="name the replies that are read wrongly")
    parser.add_argument("--part", default="dev", help="which part of the sets")
    parser.add_argument("--score", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
