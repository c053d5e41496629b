"""Mutation operators on syntax trees (`ast`): small changes of a source file that a test should detect."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

ARITHMETIC = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr,
}  # fmt: skip
COMPARISON = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
SYMMETRIC = {
    *("isinstance", "min", "max", "minimum", "maximum", "transpose", "promote_types", "l1_per_example", "cast"),
    "Literal",
}
"""Functions whose two arguments are not swapped: the swap has no effect or is a type error."""
TINY = 1e-4
"""Floats below this guard a division by zero: they are multiplied by 10⁴, since a factor of 2 is within rounding."""
SKIPPED_KEYWORDS = {"strict"}  # checks, not values
SKIPPED_CLASSES = "Options"
"""Ending of the classes that build games from recipes: no mathematics, and tested through the recipes."""


@dataclass(frozen=True)
class Mutant:
    module: str
    operator: str
    line: int
    column: int
    start: int
    """Byte offset in the source."""
    old: str
    new: str

    @property
    def name(self) -> str:
        return f"{self.module}:{self.line}:{self.column} {self.operator}: {' '.join(self.old.split())} → {self.new}"

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.start + len(self.old.encode()) :]


def mutants(module: str, source: bytes) -> list[Mutant]:
    """All mutants of a source file."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    unique = {}
    for node, operator, new in _changes(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        old, text = source[start:end].decode(), f"({ast.unparse(new)})"
        mutant = Mutant(module, operator, node.lineno, node.col_offset + 1, start, old, text)
        unique.setdefault((start, end, mutant.new), mutant)
    return list(unique.values())


def _changes(node: ast.AST, inside: bool = False) -> Iterator[tuple[ast.expr, str, ast.expr]]:
    """(expression, operator, replacement) of all expressions below a node, except strings and types."""
    if isinstance(node, ast.expr):
        yield from ((node, operator, new) for operator, new in _replacements(node, inside))
    for field, child in (
        (f, c) for f, value in ast.iter_fields(node) for c in (value if type(value) is list else [value])
    ):
        if not isinstance(child, ast.AST) or field in (
            "annotation",
            "returns",
            "decorator_list",
            "bases",
            "type_comment",
        ):
            continue
        if isinstance(child, ast.Raise | ast.Assert | ast.JoinedStr):  # messages and type narrowing
            continue
        if isinstance(child, ast.ClassDef) and child.name.endswith(SKIPPED_CLASSES):
            continue
        if isinstance(child, ast.Assign) and getattr(child.targets[0], "id", "") == "__all__":
            continue
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.keyword) and child.arg in SKIPPED_KEYWORDS:
            continue
        if isinstance(child, ast.Call) and _called(child) in ("isinstance", "cast"):
            if field == "test":
                yield child, "if", ast.UnaryOp(ast.Not(), child)
            continue
        if field in ("test", "ifs") and not isinstance(child, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield child, "if", ast.UnaryOp(ast.Not(), child)  # the others have their own negation
        yield from _changes(child, inside or isinstance(child, ast.FunctionDef | ast.Lambda))
    if isinstance(node, ast.Return) and isinstance(node.value, ast.BinOp) and type(node.value.op) in ARITHMETIC:
        yield node.value, "sign", ast.UnaryOp(ast.USub(), node.value)


def _replacements(node: ast.expr, inside: bool) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.BinOp(left, op, right):
            if type(op) in ARITHMETIC and not any(isinstance(getattr(x, "value", 0), str) for x in (left, right)):
                yield "arithmetic", ast.BinOp(left, ARITHMETIC[type(op)](), right)
            if isinstance(op, ast.Mult | ast.Div) and not isinstance(right, ast.Constant):
                yield "sign", ast.BinOp(left, op, ast.UnaryOp(ast.USub(), right))
            # At module level, | builds types.
            if isinstance(op, ast.Add | ast.Sub) or (isinstance(op, ast.BitOr) and inside):
                yield "term", left
                if not isinstance(op, ast.Sub):
                    yield "term", right
        case ast.Compare(left, [op], [right]):
            for other in COMPARISON[type(op)]:
                yield "comparison", ast.Compare(left, [other()], [right])
        case ast.BoolOp(op, values):
            yield "boolean", ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(ast.Not() | ast.USub() | ast.Invert(), operand):
            yield ("sign" if isinstance(node.op, ast.USub) else "boolean"), operand
        case ast.Constant(bool() as value):
            yield "constant", ast.Constant(not value)
        case ast.Constant(int() as value):
            yield "constant", ast.Constant(value + 1)
            yield "constant", ast.Constant(value - 1)
        case ast.Constant(float() as value):
            for factor in (1e4,) if abs(value) < TINY else (2, 0.5):
                yield "constant", ast.Constant(value * factor if value else 1.0)
        case ast.Call(ast.Attribute(value, "detach"), []):
            yield "detach", value
        case ast.Call(ast.Attribute(value, "mean" | "sum" as name) as f, args, keywords):
            yield "mean", ast.Call(ast.Attribute(value, "sum" if name == "mean" else "mean", f.ctx), args, keywords)
        case ast.Call(f, [a, b], keywords) if _called(node) not in SYMMETRIC and _kind(a) == _kind(b):
            if not isinstance(a, ast.Starred) and ast.dump(a) != ast.dump(b):
                yield "arguments", ast.Call(f, [b, a], keywords)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _kind(node: ast.expr) -> type:
    """Constant, list, or any other expression: a swap between these kinds is a type error."""
    return type(node) if isinstance(node, ast.Constant | ast.List | ast.Starred) else ast.expr
