"""Reading an optimized program: which instructions it has, and which of them are launched one by one."""

from __future__ import annotations

import collections
import functools
import re

# What hands control to something else than the straight line of the program.
CONTROL = {"while", "conditional", "custom-call", "send", "recv", "infeed", "outfeed"}
# On a TPU a promise that a gather's indices are inside is noted as a custom call, which compiles to nothing.
NOTE = 'custom_call_target="AssumeGatherIndicesInBound"'
# Instructions that are no separate work: names of existing numbers, and the ends of started operations.
FREE = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all", "partition-id"}

_STABLEHLO = re.compile(r"stablehlo\.(while|case|if|custom_call|send|recv)\b")
_COMPUTATION = re.compile(r"(ENTRY )?%?([\w.\-]+) \(.*\{$")
_INSTRUCTION = re.compile(r"\s+(?:ROOT )?%?[\w.\-]+ = (.*)")
_CALLED = re.compile(r"(?:to_apply|calls)=%?([\w.\-]+)")


def control_before(lowered: str) -> list[str]:
    """Control flow in a program as XLA is given it: of a small branch XLA may make a select."""
    return sorted(set(_STABLEHLO.findall(lowered)))


class Program:
    """The text of an optimized program, taken apart."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.computations: dict[str, list[tuple[str, str]]] = {}
        self.entry, body = "", []
        for line in text.splitlines():
            if found := _COMPUTATION.match(line):
                body = self.computations.setdefault(found[2], [])
                self.entry = found[2] if found[1] else self.entry
            elif found := _INSTRUCTION.match(line):
                body.append((_operation(found[1]), found[1]))
        assert self.entry, "not an optimized program"

    @functools.cached_property
    def operations(self) -> collections.Counter[str]:
        """The number of instructions of each kind, including those in fusions."""
        return collections.Counter(operation for body in self.computations.values() for operation, _ in body)

    @property
    def instructions(self) -> int:
        """The number of instructions."""
        return self.operations.total()

    @property
    def control(self) -> collections.Counter[str]:
        """Loops, branches and calls out of the program, by kind."""
        found = {kind: n for kind, n in self.operations.items() if kind in CONTROL}
        return +(collections.Counter(found) - collections.Counter({"custom-call": self.text.count(NOTE)}))

    @functools.cached_property
    def launches(self) -> collections.Counter[str]:
        """The instructions that run in turn: those of the entry, and of what it calls or starts."""
        found: collections.Counter[str] = collections.Counter()

        def walk(name: str) -> None:
            for operation, line in self.computations[name]:
                if operation in ("call", "async-start"):
                    called = _CALLED.search(line)
                    assert called is not None, line
                    walk(called[1])
                elif operation not in FREE and not operation.endswith(("-done", "-update")):
                    found[operation] += 1

        walk(self.entry)
        return found

    @property
    def kernels(self) -> int:
        """The number of launches of a CUDA program."""
        return self.launches.total()

    @property
    def fusions(self) -> int:
        """The number of launched fusions. On a TPU, the scalar unit computes everything else at the same time."""
        return self.launches["fusion"]


def _operation(line: str) -> str:
    """``add`` of ``f32[] add(%a, %b)``; the type may be a tuple, which contains brackets and spaces."""
    depth = 0
    for i, character in enumerate(line):
        depth += (character in "([{") - (character in ")]}")
        if character == " " and not depth:
            return re.split(r"[^\w\-]", line[i + 1 :], maxsplit=1)[0]
    raise ValueError(f"not an instruction: {line}")
