"""Wrong calls: both checkers must report each of them, with the rule of pyright and of mypy in its comment."""

import warmup_optax as wo

s = wo.linear(0.0, 1.0, 10)

wo.warmup_cosine("3e-4", warmup_steps=100, total_steps=1000)  # expected: reportArgumentType, arg-type
wo.linear(None, 1.0, 10)  # expected: reportArgumentType, arg-type
s.smaple(3)  # expected: reportAttributeAccessIssue, attr-defined
plain = wo.warmup_constant(3e-4, warmup_steps=1)
print(plain.peak_valu)  # expected: reportAttributeAccessIssue, attr-defined
print(wo.join([s], []).schedule)  # expected: reportAttributeAccessIssue, attr-defined
1 / s  # expected: reportOperatorIssue, operator
s**2  # expected: reportOperatorIssue, operator
s / s  # expected: reportOperatorIssue, operator
wo.linear(s, 1.0, 10)  # expected: reportArgumentType, arg-type
wo.linear(0.0, 1.0, "10")  # expected: reportArgumentType, arg-type
wo.polynomial(0.0, 1.0, 10, power=2, origin="start")  # expected: reportArgumentType, arg-type
wo.scale_learning_rate(0.1, batch_size=64, rule="lin")  # expected: reportArgumentType, arg-type
wo.join(s, [10])  # expected: reportArgumentType, arg-type
wo.join([s, s], 10)  # expected: reportArgumentType, arg-type
s("a")  # expected: reportArgumentType, arg-type
s(None)  # expected: reportArgumentType, arg-type
s + "2"  # expected: reportOperatorIssue, operator
wo.warmup_cosine(3e-4, warmup_steps=100)  # expected: reportCallIssue, call-arg
wo.warmup_cosine(3e-4, 100, 1000)  # expected: reportCallIssue, call-arg
wo.warmup_cosine(3e-4, warmup_steps=100, num_steps=1000)  # expected: reportCallIssue, call-arg
wo.with_warmup(s, steps=10, shape="linear")  # expected: reportArgumentType, arg-type
wo.check(s, 100, ignore=3)  # expected: reportArgumentType, arg-type
wo.stack(s)  # expected: reportArgumentType, arg-type
wo.from_config("config.json")  # expected: reportArgumentType, arg-type
wo.speed_up(s, 2)  # expected: reportAttributeAccessIssue, attr-defined
wo.tanh(1.0, 0.0, 10)  # expected: reportAttributeAccessIssue, attr-defined
wo.static("end")  # expected: reportCallIssue, call-arg
word: str = wo.describe(s).count("c")  # expected: reportAssignmentType, assignment
number: str = wo.unstack(s)  # expected: reportAssignmentType, assignment


class Bent(wo.FiniteSchedule):
    """A shape with a choice."""

    origin: str = wo.static()

    def weights(self, p: float, q: float) -> tuple[float, float]:
        """Its weights."""
        return q, p


Bent(0.0, "1.0", 10, origin="end")  # expected: reportArgumentType, arg-type
Bent(0.0, 1.0, 10)  # expected: reportCallIssue, call-arg
Bent(0.0, 1.0, 10, origin=3)  # expected: reportArgumentType, arg-type
Bent(0.0, 1.0, 10, origin="end").origin = "init"  # expected: reportAttributeAccessIssue, misc


class Unfinished(wo.FiniteSchedule):
    """A shape without weights."""


Unfinished(0.0, 1.0, 10)  # expected: reportAbstractUsage, abstract
