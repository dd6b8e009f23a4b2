"""Mutants: what one wrong character, a missing check or two swapped weights would make of a module.

A mutant replaces one expression or statement of the source by another, at the place where it stands; the rest of
the file, its lines included, stays as it is. Documentation, annotations, the words of errors, `__all__` and
blocks for type checkers are left alone: no test should depend on them in this way.
"""

from __future__ import annotations

import ast
import collections
import dataclasses
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "warmup_optax"
# Calls whose two arguments are not exchanged: it changes nothing, or only breaks what no one would write.
NOT_EXCHANGED = {
    "cast",
    "isinstance",
    "getattr",
    "hasattr",
    "asarray",
    "array",
    "map",
    "minimum",
    "maximum",
    "min",
    "max",
    "add",
    "mul",
    "eq",
    "_add",
    "_mul",
    "_and",
    "_or",
    "_eq",
    "_operation",
}
TARGETS = [
    "_core/*.py",
    "_shapes/*.py",
    "_combinators/*.py",
    "_recipes.py",
    "_view/**/*.py",
    "_optimizers/*.py",
    "_run/*.py",
    "_convert/*.py",
]

COMPARISONS = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
OPERATORS = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "/", ast.Mod: "//", ast.Pow: "*",
    ast.BitAnd: "|", ast.BitOr: "&", ast.LShift: ">>", ast.RShift: "<<",
}  # fmt: skip
FUNCTIONS = {"sin": "cos", "cos": "sin", "expm1": "exp", "log1p": "log", "floor": "ceil", "ceil": "floor",
             "minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min", "any": "all", "all": "any",
             "square": "abs", "sqrt": "abs"}  # fmt: skip
# Of `lax`, and of the helpers that are called as there, with an underscore.
LAX_FUNCTIONS = {"add": "sub", "sub": "add", "mul": "div", "div": "mul", "lt": "ge", "gt": "ge", "ge": "gt",
                 "and": "or", "or": "and"}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    path: str  # within the package
    line: int
    kind: str
    old: str
    new: str
    begin: int  # in bytes of the file
    end: int
    scope: str = ""  # the function or class that it is in
    again: int = 1  # of the changes of this scope that read the same, the first, the second, ...

    @property
    def name(self) -> str:
        """The name in reports and in `equivalent.txt`, which survives edits elsewhere in the file."""
        name = f"{self.path}:{self.scope}: {self.kind}: {_one_line(self.old)} -> {_one_line(self.new)}"
        return name if self.again == 1 else f"{name} #{self.again}"

    def applied(self, source: bytes) -> bytes:
        """The source with the change in it."""
        return source[: self.begin] + self.new.encode() + source[self.end :]


def _one_line(text: str) -> str:
    return " ".join(text.split())


class _Planter(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes):
        self.path, self.source, self.found, self.scope = path, source, [], []
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def text(self, node: ast.AST) -> str:
        begin, end = self.place(node)
        return self.source[begin:end].decode()

    def place(self, node: ast.AST) -> tuple[int, int]:
        return (
            self.starts[node.lineno - 1] + node.col_offset,
            self.starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def plant(self, node: ast.AST, kind: str, new: str) -> None:
        old = self.text(node)
        new += "\n" * (old.count("\n") - new.count("\n")) if isinstance(node, ast.stmt) else ""
        if new != old:
            self.add(node.lineno, kind, old, new, *self.place(node))

    def add(self, *fields) -> None:
        self.found.append(Mutant(self.path, *fields, scope=".".join(self.scope)))

    def between(self, left: ast.AST, right: ast.AST, kind: str, new: str) -> None:
        """Another operator between two operands."""
        begin, end = self.place(left)[1], self.place(right)[0]
        between = self.source[begin:end].decode()
        old = between.strip(" ()\n")
        if old and "#" not in between:
            begin += between.index(old)
            self.add(left.lineno, kind, old, new, begin, begin + len(old))

    # ------------------------------------------------------------------ unchanged code

    def visit_Raise(self, node):
        pass

    def visit_JoinedStr(self, node):
        pass

    def visit_Assert(self, node):
        pass

    def visit_If(self, node):
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        if not node.orelse:
            self.plant(node.test, "drop a case", "False")
        else:
            self.plant(node.test, "other branch", f"not ({self.text(node.test)})")
        self.generic_visit(node)

    def visit_ClassDef(self, node):
        self.scope.append(node.name)
        self.generic_visit(node)
        self.scope.pop()

    def visit_FunctionDef(self, node):
        self.scope.append(node.name)
        for default in [*node.args.defaults, *node.args.kw_defaults]:
            if default is not None:
                self.visit(default)
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call):
                self.visit(decorator)
        for statement in node.body:
            self.visit(statement)
        self.scope.pop()

    def visit_AnnAssign(self, node):
        if node.value is not None and self.text(node.annotation) != "TypeAlias":
            self.visit(node.value)

    def visit_Assign(self, node):
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if "__all__" not in names:
            self.generic_visit(node)

    def visit_Expr(self, node):
        if isinstance(node.value, ast.Call) and "raise_bad_argument" in self.text(node.value.func):
            pass  # as `raise`: the condition before it is dropped instead
        elif isinstance(node.value, ast.Call):
            self.plant(node, "drop a call", "pass")
            self.generic_visit(node)
        elif not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    # ------------------------------------------------------------------ changes

    def visit_Compare(self, node):
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            kind = f"compare {_one_line(self.text(left))} with {_one_line(self.text(right))}"
            self.between(left, right, kind, COMPARISONS[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node):
        words = any(isinstance(x, ast.JoinedStr) or isinstance(getattr(x, "value", 0), str)
                    for x in (node.left, node.right))  # fmt: skip
        if not words and type(node.op) in OPERATORS:
            kind = f"operator of {_one_line(self.text(node))}"
            self.between(node.left, node.right, kind, OPERATORS[type(node.op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node):
        for i in range(len(node.values)):
            rest = [f"({self.text(x)})" for j, x in enumerate(node.values) if j != i]
            word = " and " if isinstance(node.op, ast.And) else " or "
            self.plant(node, "drop a condition", "(" + word.join(rest) + ")")
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        if isinstance(node.op, (ast.Not, ast.USub)):
            self.plant(node, "drop not or minus", f"({self.text(node.operand)})")
        self.generic_visit(node)

    def visit_IfExp(self, node):
        body, other = self.text(node.body), self.text(node.orelse)
        self.plant(node, "other branch", f"({other} if {self.text(node.test)} else {body})")
        self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, bool):
            self.plant(node, "constant", str(not node.value))
        elif isinstance(node.value, int):
            self.plant(node, "constant", f"({node.value} + 1)")
        elif isinstance(node.value, float):
            self.plant(node, "constant", f"({node.value!r} + 0.5)" if abs(node.value) < 1e6 else "1.0")

    def visit_Call(self, node):
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        arguments = [self.text(x) for x in node.args]
        called, other = name, FUNCTIONS.get(name)
        if len(arguments) == 2 and self.text(function) in (f"lax.{name}", name):
            called = name.lstrip("_")
            other = other or (LAX_FUNCTIONS.get(called) if self.text(function) != called else None)
        if other and not node.keywords:
            end = self.place(function)[1]
            kind = f"function of {_one_line(self.text(node))}"
            self.add(node.lineno, kind, called, other, end - len(called), end)
        if name in ("clip", "minimum", "maximum", "min", "max") and len(arguments) > 1:
            self.plant(node, "drop a clamp", f"({arguments[0]})")
        if name in ("where", "_where", "select", "choose") and len(arguments) == 3:
            condition, a, b = arguments
            self.plant(node, "swap branches", f"{self.text(function)}({condition}, {b}, {a})")
        starred = any(isinstance(x, ast.Starred) for x in node.args)
        if len(arguments) == 2 and not node.keywords and not starred and name not in NOT_EXCHANGED:
            self.plant(node, "swap arguments", f"{self.text(function)}({arguments[1]}, {arguments[0]})")
        self.generic_visit(node)

    def visit_Return(self, node):
        value = node.value
        if isinstance(value, ast.Tuple) and len(value.elts) == 2:
            a, b = map(self.text, value.elts)
            self.plant(value, "swap results", f"({b}, {a})")
        self.generic_visit(node)


def mutants_of(package: Path = PACKAGE) -> Iterator[Mutant]:
    """Every mutant of the package, in the order of the files; a few are no Python."""
    for pattern in TARGETS:
        for file in sorted(package.glob(pattern)):
            source = file.read_bytes()
            planter = _Planter(file.relative_to(package).as_posix(), source)
            planter.visit(ast.parse(source))
            # Identical changes of one place are one mutant.
            seen = collections.Counter()
            for mutant in {(m.begin, m.end, m.new): m for m in planter.found}.values():
                seen[mutant.name] += 1
                yield dataclasses.replace(mutant, again=seen[mutant.name])


def equivalents(text: str) -> dict[str, str]:
    """The rows "name | reason" of `equivalent.txt`; an error where one is of code that is not there."""
    rows = dict(row.split(" | ", 1) for row in text.splitlines() if not row.startswith("#"))
    gone = rows.keys() - {mutant.name for mutant in mutants_of()}
    if gone:
        raise ValueError("Of code that is not there, so remove them:\n" + "\n".join(sorted(gone)))
    return rows
