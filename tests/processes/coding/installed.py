"""Coding agents from npm, each at the version in its lock, kept from one run of the tests to the next."""

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

_LOCKS = Path(__file__).parent / "programs"
_AWAY = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ECONNRESET", "E403", "E404", "ENOTCACHED")


def installed(name: str, program: str, cache: Path) -> Path:
    """Return `program` of what the lock `name` lists, which is installed unless an earlier run has left it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip(f"{name} is installed with npm, which is not here")
    folder, lock = cache / name, (_LOCKS / name / "package-lock.json").read_bytes()
    made, wanted = folder / "made", hashlib.sha256(lock).hexdigest()
    if not made.exists() or made.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(_LOCKS / name, folder)
        words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1"]
        done = subprocess.run([npm, *words], cwd=folder, capture_output=True, text=True, check=False)
        if any(f"code {why}" in done.stderr for why in _AWAY):
            pytest.skip(f"{name} cannot be had: no npm registry answers")
        assert done.returncode == 0, done.stderr
        made.write_text(wanted)
    found = next(iter(sorted(folder.glob(f"node_modules/{program}"))), None)
    if found is None:
        pytest.skip(f"{name} is not published for this machine")
    return found
