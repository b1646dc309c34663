"""Named faults: rules of the product, each with a change of the code that breaks it. `python -m bench.faults list`.

    python -m bench.faults list [AREA…]   the rules, and where each is kept
    python -m bench.faults check          whether each can be seated; exit code 1 and their names if not

A fault says which promise it breaks, in words of the documentation, and where that is kept today: an exact text, which
stands once in its file, and what stands there instead. Whoever moves a rule moves its fault. `bench.matrix` finds which
tests miss a rule that is broken. The faults are in `bench/faults/AREA.toml`.
"""

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[1]
AREAS = Path(__file__).with_suffix("")


@dataclass(frozen=True)
class Fault:
    """A rule that is broken: `new` stands in place of `old` in `file`. `name` says what is then so, in a sentence."""

    area: str
    name: str
    file: Path
    old: str
    new: str

    def seated_in(self, text: str) -> str:
        """Return `text`, that of its file, with the fault. Raises ValueError, or SyntaxError, where it has no seat."""
        if (times := text.count(self.old)) != 1:
            raise ValueError(f"its text stands {times} times in {self.file}")
        changed = text.replace(self.old, self.new)
        if changed == text:
            raise ValueError("it changes nothing")
        if self.file.suffix == ".py":
            compile(changed, self.file, "exec")
        return changed


def faults(areas: Sequence[str] = ()) -> Iterator[Fault]:
    """All of them, or those of `areas`."""
    for table in sorted(AREAS.glob("*.toml")):
        if areas and table.stem not in areas:
            continue
        for one in tomllib.loads(table.read_text(encoding="utf-8"))["fault"]:
            yield Fault(table.stem, one["name"], Path(one["file"]), one["old"], one["new"])


def wrong(those: Iterable[Fault], top: Path = TOP) -> Iterator[tuple[Fault, str]]:
    """Yield the faults that cannot be seated in the tree at `top`, or have the name of another; each with why."""
    known = Counter[str]()
    for fault in those:
        known[fault.name] += 1
        if known[fault.name] > 1:
            yield fault, "another one has its name"
        try:
            fault.seated_in((top / fault.file).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            yield fault, f"there is no {fault.file}"
        except (SyntaxError, ValueError) as error:
            yield fault, str(error)


def _line(fault: Fault) -> int:
    return (TOP / fault.file).read_text(encoding="utf-8").partition(fault.old)[0].count("\n") + 1


def main() -> None:
    """List the faults, or check that each can be seated."""
    parser = argparse.ArgumentParser(description="Named faults: rules of the product that the tests must miss.")
    parser.add_argument("what", choices=("list", "check"))
    parser.add_argument("areas", nargs="*", metavar="AREA", help="only those of these areas")
    options = parser.parse_args()
    those = list(faults(options.areas))
    found = list(wrong(those))
    if options.what == "list":
        unseated = {fault for fault, _ in found}
        for fault in those:
            where = str(fault.file) if fault in unseated else f"{fault.file}:{_line(fault)}"
            print(f"{fault.area}: {fault.name} ({where})")
        return
    for fault, why in found:
        print(f"{fault.area}: {fault.name}: {why}")
    print(f"{len(those)} faults, of which {len({fault for fault, _ in found})} cannot be seated")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
