"""Faults that nobody has named: changes of the code, drawn by lot."""

import ast
import random
from collections.abc import Iterator
from pathlib import Path

from bench.faults import TOP, Fault

_SWAPPED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.In: "not in",
    ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
_Change = tuple[ast.AST, str, str]


def drawn(count: int, seed: int, folders: tuple[str, ...], top: Path = TOP) -> list[Fault]:
    """Return so many faults of the functions in some folders, the same ones for the same code and `seed`.

    Each is one change: a condition is its opposite, or lacks a part; a comparison is another; a step is left out.
    """
    files = (file for folder in folders for file in sorted((top / folder).rglob("*.py")))
    found = [fault for file in files for fault in faults_of(file.read_text(encoding="utf-8"), file.relative_to(top))]
    return random.Random(seed).sample(found, min(count, len(found)))  # noqa: S311 - no secret


def faults_of(text: str, file: Path) -> Iterator[Fault]:
    """Yield all changes of the functions of a file that can be drawn."""
    lines, starts = text.encode().splitlines(keepends=True), [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    whole = text.encode()
    seen = set[tuple[int, int, str]]()
    for node, what, new in _changes(ast.parse(text)):
        if not isinstance(node, ast.expr | ast.stmt) or node.end_lineno is None or node.end_col_offset is None:
            continue
        begins = starts[node.lineno - 1] + node.col_offset
        ends = starts[node.end_lineno - 1] + node.end_col_offset
        if (begins, ends, new) in seen:
            continue
        seen.add((begins, ends, new))
        # Whole lines, and those above, until they stand there once.
        first, last = node.lineno - 1, starts[node.end_lineno]
        while whole.count(whole[starts[first] : last]) > 1:
            first -= 1
        old = whole[starts[first] : last].decode()
        changed = (whole[starts[first] : begins] + new.encode() + whole[ends:last]).decode()
        yield Fault("drawn", f"{file}:{node.lineno} {what} {begins}", file, old, changed)


def _changes(tree: ast.Module) -> Iterator[_Change]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    yield from _of(node)


def _of(node: ast.AST) -> Iterator[_Change]:
    match node:
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield test, "turned", f"(not ({ast.unparse(test)}))"
        case ast.comprehension(ifs=[test, *_]):
            yield test, "turned", f"(not ({ast.unparse(test)}))"
        case ast.BoolOp(op=op, values=values):
            word = " and " if isinstance(op, ast.And) else " or "
            for left_out in range(len(values)):
                rest = word.join(f"({ast.unparse(each)})" for n, each in enumerate(values) if n != left_out)
                yield node, f"without part {left_out + 1}", f"({rest})"
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _SWAPPED:
            yield node, "compared otherwise", f"({ast.unparse(left)} {_SWAPPED[type(op)]} {ast.unparse(right)})"
        case ast.Return(value=ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) as value):
            yield value, "turned", f"(not ({ast.unparse(value)}))"
        case ast.Raise() | ast.Continue() | ast.Break():
            yield node, "left out", "pass"
        case ast.Expr(value=ast.Call() | ast.Await() as value) if "log." not in ast.unparse(value)[:10]:
            yield node, "left out", "pass"
        case _:
            pass
