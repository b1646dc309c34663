"""Where faults sit in the code: marks that say which test comes there, and functions that change while they live."""

import ast
import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, cast

from bench.faults import Fault

CODE = ("agents", "bot", "channels", "language", "prompts")
_MARK = "from bench.seats import reached as _reached"
_CLIENT = Path("bot/store/client/__init__.py")
# The script of a fault is marked where whoever sends it asks for its hash.
_SCRIPTS = """
Script.sha = property(lambda self: (_reached(self.name + ".lua"), self.__dict__["sha"])[1],
                      lambda self, sha: self.__dict__.__setitem__("sha", sha))
"""
_OF_CODE = ("co_code", "co_names", "co_varnames", "co_cellvars", "co_freevars", "co_flags", "co_argcount",
            "co_kwonlyargcount", "co_posonlyargcount", "co_exceptiontable")  # fmt: skip
_FUNCTION = 0x1 | 0x2  # inspect.CO_OPTIMIZED and CO_NEWLOCALS; the body of a class or a module has not both
_Function = ast.FunctionDef | ast.AsyncFunctionDef

seen = set[str]()
"""The marks that this process has come to."""
reached = seen.add


def mark(top: Path, faults: Iterable[Fault]) -> None:
    """Mark, in the copy of the tree at `top`, where each fault sits.

    A fault in a function is marked at its statement. One outside of functions is marked at the start of each function
    that names what stands there. Scripts are marked by the names of their files; `marks_of` knows which are meant.
    """
    files = {file.relative_to(top): file for folder in CODE for file in (top / folder).rglob("*.py")}
    trees = {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in files.items()}
    outside = defaultdict[str, set[str]](set)
    starts = defaultdict[Path, list[tuple[list[ast.stmt], ast.stmt, str]]](list)
    for fault in faults:
        if fault.file.suffix == ".py":
            line = _line_of((top / fault.file).read_text(encoding="utf-8"), fault)
            block, statement, names = _seat(trees[fault.file], line)
            if block is not None:
                starts[fault.file].append((block, statement, fault.name))
            for name in names if block is None else ():
                outside[name].add(fault.name)
    for name, tree in trees.items():
        for function in (each for each in ast.walk(tree) if isinstance(each, _Function)):
            named = {each.id for each in ast.walk(function) if isinstance(each, ast.Name)}
            named |= {each.attr for each in ast.walk(function) if isinstance(each, ast.Attribute)}
            for fault_name in sorted(set[str]().union(*(outside.get(one, ()) for one in named))):
                starts[name].append((function.body, _start(function), fault_name))
    for name, tree in trees.items():
        for block, statement, fault_name in starts[name]:
            block.insert(block.index(statement), ast.parse(f"_reached({fault_name!r})").body[0])
        if starts[name] or name == _CLIENT:
            tree.body[_first(tree) : _first(tree)] = ast.parse(_MARK).body
            more = _SCRIPTS if name == _CLIENT else ""
            files[name].write_text(f"{ast.unparse(ast.fix_missing_locations(tree))}\n{more}", encoding="utf-8")


def marks_of(fault: Fault, shared: Sequence[str], scripts: Sequence[str]) -> Sequence[str]:
    """Return the marks by one of which a test comes to a fault."""
    if fault.file.suffix == ".py":
        return [fault.name]
    return scripts if fault.file.name in shared else [fault.file.name]


def _line_of(text: str, fault: Fault) -> int:
    """Return the line at which a fault begins to differ from the rule."""
    same = next(
        (n for n, (old, new) in enumerate(zip(fault.old, fault.new, strict=False)) if old != new), len(fault.old)
    )
    at = text.index(fault.old) + min(same, len(fault.old.rstrip()) - 1)
    at += len(text[at:]) - len(text[at:].lstrip())
    return text.count("\n", 0, at) + 1


def _blocks(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    for part in ("body", "orelse", "finalbody"):
        if isinstance(found := getattr(statement, part, None), list):
            yield cast("list[ast.stmt]", found)
    for part in ("handlers", "cases"):
        for each in cast("list[ast.AST]", getattr(statement, part, [])):
            yield from _blocks(each)


def _seat(tree: ast.Module, line: int) -> tuple[list[ast.stmt] | None, ast.stmt, set[str]]:
    """Return the innermost statement of a function at `line` and its block; no block outside of functions, but what
    the statement there is called.
    """
    inner: tuple[list[ast.stmt] | None, ast.stmt] = (None, tree.body[0])
    names, here, in_function = set[str](), cast("ast.AST", tree), False
    while True:
        found = next(
            ((block, each) for block in _blocks(here) for each in block if _begins(each) <= line <= _ends(each)), None
        )
        if found is None:
            break
        block, here = found
        if isinstance(here, _Function):
            in_function, inner = True, (here.body, _start(here))
        elif in_function:
            inner = (block, here)
        if isinstance(here, ast.ClassDef):
            names.add(here.name)
        elif not in_function:
            targets = [each for each in ast.walk(here) if isinstance(each, ast.Name)]
            names |= {each.id for each in targets if isinstance(each.ctx, ast.Store)}
    return inner[0], inner[1], names


def _start(function: _Function) -> ast.stmt:
    """Return the first statement of a function, behind its docstring."""
    has_more = ast.get_docstring(function, clean=False) is not None and len(function.body) > 1
    return function.body[1 if has_more else 0]


def _begins(statement: ast.stmt) -> int:
    decorators = cast("list[ast.expr]", getattr(statement, "decorator_list", []))
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _ends(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno


def _first(tree: ast.Module) -> int:
    """Return where the first statement may stand: behind the docstring, and behind what is asked of the future."""
    docstring = bool(tree.body) and isinstance(tree.body[0], ast.Expr)
    future = [n for n, each in enumerate(tree.body) if isinstance(each, ast.ImportFrom) and each.module == "__future__"]
    return max([int(docstring), *(n + 1 for n in future)])


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
    return found


def _place(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def change(functions: Mapping[tuple[str, str, int], Sequence[FunctionType]], pairs: Iterable[tuple[Any, Any]]) -> None:
    """Give the functions that live the code that they have with a fault."""
    for old, new in pairs:
        for one in functions.get(_place(old), ()):
            one.__code__ = new
