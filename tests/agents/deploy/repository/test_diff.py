"""How two commits differ, also where the environment is a folder inside the repository."""

import subprocess
from pathlib import Path

from agents.deploy.repository.git import diff, touched


def committed(repo: Path, **files: str) -> str:
    for name, text in files.items():
        path = repo / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    who = ("-c", "user.name=Bo", "-c", "user.email=bo@corp.example")
    subprocess.run(["git", "add", "-A"], cwd=repo, check=True)
    subprocess.run(["git", *who, "commit", "-qm", "change"], cwd=repo, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=repo, check=True, capture_output=True, text=True)
    return head.stdout.strip()


def made(repo: Path) -> None:
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    subprocess.run(["git", "config", "diff.relative", "true"], cwd=repo, check=True)


async def test_a_path_is_one_from_the_top_and_nothing_that_is_configured_hides_others(tmp_path: Path) -> None:
    made(tmp_path)
    old = committed(tmp_path, sub__a="one\n", b="one\n")
    new = committed(tmp_path, sub__a="two\n", b="two\n")
    folder = tmp_path / "sub"

    paths = [one.path for one in await touched(folder, old, new)]

    assert paths == ["b", "sub/a"]
    assert "+two" in await diff(folder, old, new, "sub/a")
    assert "b/b" not in await diff(folder, old, new, "sub/a")
    assert "diff --git a/b b/b" in await diff(folder, old, new)
    assert await diff(folder, old, new, "*") == ""
