"""Wrong calls: each must be refused by both checkers, with the error in the comment, and nothing else may be."""

import warmup_optax as wo

s = wo.linear(0.0, 1.0, 10)

wo.warmup_cosine("3e-4", warmup_steps=100, total_steps=1000)  # pyright: reportArgumentType; mypy: arg-type
wo.linear(None, 1.0, 10)  # pyright: reportArgumentType; mypy: arg-type
wo.linear(0.0, 1.0, "10")  # pyright: reportArgumentType; mypy: arg-type
wo.polynomial(0.0, 1.0, 10, power=2, origin="start")  # pyright: reportArgumentType; mypy: arg-type
wo.scale_learning_rate(0.1, batch_size=64, rule="lin")  # pyright: reportArgumentType; mypy: arg-type
wo.join(s, [10])  # pyright: reportArgumentType; mypy: arg-type
wo.join([s, s], 10)  # pyright: reportArgumentType; mypy: arg-type
s("a")  # pyright: reportArgumentType; mypy: arg-type
s(None)  # pyright: reportArgumentType; mypy: arg-type
s * "2"  # pyright: reportOperatorIssue; mypy: operator
wo.warmup_cosine(3e-4, warmup_steps=100)  # pyright: reportCallIssue; mypy: call-arg
wo.warmup_cosine(3e-4, 100, 1000)  # pyright: reportCallIssue; mypy: call-arg
wo.warmup_cosine(3e-4, warmup_steps=100, num_steps=1000)  # pyright: reportCallIssue; mypy: call-arg
wo.with_warmup(s, steps=10, shape="linear")  # pyright: reportArgumentType; mypy: arg-type
wo.check(s, 100, ignore=3)  # pyright: reportArgumentType; mypy: arg-type
wo.stack(s)  # pyright: reportArgumentType; mypy: arg-type
wo.from_config("config.json")  # pyright: reportArgumentType; mypy: arg-type
wo.tanh(1.0, 0.0, 10)  # pyright: reportAttributeAccessIssue; mypy: attr-defined
wo.static("end")  # pyright: reportCallIssue; mypy: call-arg
word: str = wo.describe(s).count("c")  # pyright: reportAssignmentType; mypy: assignment
number: str = wo.unstack(s)  # pyright: reportAssignmentType; mypy: assignment


class Bent(wo.FiniteSchedule):
    """A shape with a choice."""

    origin: str = wo.static()

    def weights(self, p: float, q: float) -> tuple[float, float]:
        """Its weights."""
        return q, p


Bent(0.0, "1.0", 10, origin="end")  # pyright: reportArgumentType; mypy: arg-type
Bent(0.0, 1.0, 10)  # pyright: reportCallIssue; mypy: call-arg
Bent(0.0, 1.0, 10, origin=3)  # pyright: reportArgumentType; mypy: arg-type
Bent(0.0, 1.0, 10, origin="end").origin = "init"  # pyright: reportAttributeAccessIssue; mypy: misc


class Unfinished(wo.FiniteSchedule):
    """A shape without weights."""


Unfinished(0.0, 1.0, 10)  # pyright: reportAbstractUsage; mypy: abstract
