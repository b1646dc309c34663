"""Where faults sit in the code: marks that say which test comes there, and functions that change while they live."""

import ast
import gc
import zlib
from base64 import b85decode, b85encode
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, cast

from bench.faults import Fault

CODE = ("agents", "bot", "channels", "language", "prompts")
# Some files are also programs that find no other.
_MARK = """
try:
    from bench.seats import reached as _block_reached
except ImportError:
    _block_reached = id
"""
_CLIENT = Path("bot/store/client/script.py")
_SCRIPTS = Path("bot/store/lua")
# A script is reached where whoever sends it asks for its hash.
_SENT = """
Script.sha = property(lambda self: (_block_reached({numbers}[self.name]), self.__dict__["sha"])[1],
                      lambda self, sha: self.__dict__.__setitem__("sha", sha))
"""
_OF_CODE = ("co_code", "co_names", "co_varnames", "co_cellvars", "co_freevars", "co_flags", "co_argcount",
            "co_kwonlyargcount", "co_posonlyargcount", "co_exceptiontable")  # fmt: skip
_FUNCTION = 0x1 | 0x2  # inspect.CO_OPTIMIZED and CO_NEWLOCALS; the body of a class or a module has not both
_Function = ast.FunctionDef | ast.AsyncFunctionDef

seen = set[int]()
"""The numbers of the blocks that this process has come to."""
reached = seen.add


@dataclass(frozen=True)
class Block:
    """Statements of a function that run one after the other, from line to line; a function's own names what it uses."""

    number: int
    begins: int
    ends: int
    uses: frozenset[str] = frozenset()


class Blocks:
    """Every block of the functions of a tree, and every script, by number."""

    def __init__(self, top: Path) -> None:
        self._top = top
        files = [file.relative_to(top) for folder in CODE for file in sorted((top / folder).rglob("*.py"))]
        trees = {file: ast.parse((top / file).read_text(encoding="utf-8")) for file in files}
        self._of_file = dict[Path, list[Block]]()
        count = 0
        for file, tree in trees.items():
            found = list(_blocks_of(tree, count))
            self._of_file[file] = [block for block, _ in found]
            count += len(found)
        scripts = sorted(file.stem for file in (top / _SCRIPTS).glob("*.lua"))
        self._scripts = {name: number for number, name in enumerate(scripts, count)}
        client = top / _CLIENT
        self._shared = client.read_text(encoding="utf-8") if client.exists() else ""

    def mark(self) -> None:
        """Write into each file of the tree that its blocks are reached."""
        for file, blocks in self._of_file.items():
            tree = ast.parse((self._top / file).read_text(encoding="utf-8"))
            found = list(_blocks_of(tree, blocks[0].number if blocks else 0))
            for block, statements in found:
                at = int(block.uses != frozenset() and _is_docstring(statements[0]) and len(statements) > 1)
                statements[at:at] = ast.parse(f"_block_reached({block.number})").body
            if found:
                tree.body[_first(tree) : _first(tree)] = ast.parse(_MARK).body
                more = _SENT.format(numbers=self._scripts) if file == _CLIENT else ""
                text = f"{ast.unparse(ast.fix_missing_locations(tree))}\n{more}"
                (self._top / file).write_text(text, encoding="utf-8")

    def of(self, fault: Fault) -> frozenset[int]:
        """Return the blocks by one of which a test comes to a fault.

        To what stands outside of functions come all that name it.
        """
        if fault.file.suffix != ".py":
            is_shared = f'"{fault.file.name}"' in self._shared
            return frozenset(self._scripts.values() if is_shared else [self._scripts[fault.file.stem]])
        text = (self._top / fault.file).read_text(encoding="utf-8")
        line = _line_of(text, fault)
        there = [block for block in self._of_file[fault.file] if block.begins <= line <= block.ends]
        if there:
            return frozenset({min(there, key=lambda block: (block.ends - block.begins, -block.number)).number})
        names = _names_at(ast.parse(text), line)
        return frozenset(block.number for blocks in self._of_file.values() for block in blocks if block.uses & names)


def _line_of(text: str, fault: Fault) -> int:
    """Return the line at which a fault begins to differ from the rule."""
    pairs = enumerate(zip(fault.old, fault.new, strict=False))
    same = next((n for n, (old, new) in pairs if old != new), len(fault.old))
    at = text.index(fault.old) + min(same, len(fault.old.rstrip()) - 1)
    at += len(text[at:]) - len(text[at:].lstrip())
    return text.count("\n", 0, at) + 1


def _blocks_of(tree: ast.Module, number: int) -> Iterator[tuple[Block, list[ast.stmt]]]:
    for function in (each for each in ast.walk(tree) if isinstance(each, _Function)):
        used = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
        used |= {each.attr for each in ast.walk(function) if isinstance(each, ast.Attribute)}
        for statements in _inside(function):
            is_whole = statements is function.body
            begins = min(map(_begins, [function] if is_whole else statements))
            yield Block(number, begins, max(map(_ends, statements)), frozenset(used if is_whole else ())), statements
            number += 1


def _inside(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a statement; functions and classes in it have their own."""
    for part in ("body", "orelse", "finalbody"):
        if isinstance(found := getattr(statement, part, None), list) and found:
            block = cast("list[ast.stmt]", found)
            yield block
            for each in block:
                if not isinstance(each, _Function | ast.ClassDef):
                    yield from _inside(each)
    for part in ("handlers", "cases"):
        for each in cast("list[ast.AST]", getattr(statement, part, [])):
            yield from _inside(each)


def _names_at(tree: ast.Module, line: int) -> set[str]:
    """Return what the statement at a line outside of functions is called, and the class that it is in."""
    names, here = set[str](), next((each for each in tree.body if _begins(each) <= line <= _ends(each)), None)
    while here is not None:
        if isinstance(here, ast.ClassDef):
            names.add(here.name)
            here = next((each for each in here.body if _begins(each) <= line <= _ends(each)), None)
        else:
            targets = [each for each in ast.walk(here) if isinstance(each, ast.Name)]
            return names | {each.id for each in targets if isinstance(each.ctx, ast.Store)}
    return names


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _begins(statement: ast.stmt) -> int:
    decorators = cast("list[ast.expr]", getattr(statement, "decorator_list", []))
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _ends(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _first(tree: ast.Module) -> int:
    """Return where the first statement may stand: behind the docstring, and behind what is asked of the future."""
    future = [n for n, each in enumerate(tree.body) if isinstance(each, ast.ImportFrom) and each.module == "__future__"]
    return max([int(bool(tree.body) and _is_docstring(tree.body[0])), *(n + 1 for n in future)])


def mask_of(numbers: Iterable[int]) -> int:
    """Return numbers as the bits of one."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def packed(numbers: Iterable[int]) -> str:
    """Return numbers as a short text."""
    mask = mask_of(numbers)
    return b85encode(zlib.compress(mask.to_bytes(mask.bit_length() // 8 + 1, "little"))).decode()


def unpacked(text: str) -> int:
    """Return the numbers of a text that `packed` gave, as the bits of one."""
    return int.from_bytes(zlib.decompress(b85decode(text)), "little")


def changed(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """Return the functions that differ in two versions of a file; None where more than functions differ."""
    pairs = [(a, b) for a, b in zip(old.co_consts, new.co_consts, strict=False) if isinstance(a, CodeType)]
    is_same = all(getattr(old, part) == getattr(new, part) for part in _OF_CODE)
    is_same = is_same and len(old.co_consts) == len(new.co_consts)
    is_same = is_same and all(
        isinstance(b, CodeType) if isinstance(a, CodeType) else type(a) is type(b) and a == b
        for a, b in zip(old.co_consts, new.co_consts, strict=False)
    )
    is_function = old.co_flags & _FUNCTION == _FUNCTION
    if not is_same:
        return [(old, new)] if is_function and old.co_freevars == new.co_freevars else None
    found = list[tuple[CodeType, CodeType]]()
    for a, b in pairs:
        inner = changed(a, b)
        if inner is None:
            return [*found, (old, new)] if is_function else None
        found += inner
    return [*found, (old, new)] if found and is_function else found


def living(folder: Path) -> Mapping[tuple[str, str, int], Sequence[FunctionType]]:
    """Return the functions of files in `folder` that live in this process, by where their code stands."""
    found = defaultdict[tuple[str, str, int], list[FunctionType]](list)
    gc.unfreeze()
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename.startswith(str(folder)):
            found[_place(one.__code__)].append(one)
    # What is loaded by now is no garbage: no fork is to look at it again.
    gc.freeze()
    return found


def _place(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def change(functions: Mapping[tuple[str, str, int], Sequence[FunctionType]], pairs: Iterable[tuple[Any, Any]]) -> None:
    """Give the functions that live the code that they have with a fault."""
    for old, new in pairs:
        for one in functions.get(_place(old), ()):
            one.__code__ = new
