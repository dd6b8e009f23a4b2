"""The node classes of all schedules, for annotations, `isinstance`, pickles and user-defined nodes.

>>> import warmup_optax as wo
>>> schedule: wo.nodes.WarmupCosine = wo.warmup_cosine(3e-4, warmup_steps=100, total_steps=1000)
>>> isinstance(schedule, wo.nodes.WarmupCosine), schedule.peak_value
(True, 0.0003)

`Schedule`, `FiniteSchedule`, `Time` and `static` are also at the top level. Some classes have no function with
their name. Operators return `Add`, `Product`, `Scale` and `Divide`. ``TrainingRun.in_steps`` returns `InSteps`.
`Finding` and other classes are the results of tools such as `check`.
"""

from ._combinators.arithmetic import Add, Divide, Product, Scale
from ._combinators.bounds import Clip, Maximum, Minimum
from ._combinators.clocks import InSteps, Shift, SpeedUp, Staircase
from ._combinators.join import Join
from ._combinators.ramps import Shape, WithCooldown, WithWarmup
from ._combinators.restart import Restart
from ._combinators.stretch import Ratio, Stretch
from ._core.as_schedule import Constant, Function
from ._core.node import static
from ._core.schedule import Schedule
from ._core.time import Time
from ._optimizers.counter import CounterSchedule
from ._optimizers.feedback import FeedbackSchedule
from ._optimizers.groups import Groups, PathMask
from ._recipes import (
    OneCycle,
    Recipe,
    WarmupConstant,
    WarmupCosine,
    WarmupCosineRestarts,
    WarmupExponential,
    WarmupInverseSqrt,
    WarmupLinear,
    WarmupPiecewiseConstant,
    WarmupPolynomial,
    WarmupStableDecay,
)
from ._run.range_test import Suggestion
from ._run.seesaw import Seesaw
from ._shapes.endless import (
    DebiasedDecay,
    Exponential,
    ExponentialApproach,
    InverseSqrt,
    InverseTime,
    PowerLaw,
    Radam,
)
from ._shapes.finite import (
    Cosine,
    FiniteExponential,
    FiniteSchedule,
    Geometric,
    HalfLife,
    KDecay,
    Linear,
    Logarithmic,
    OneMinusSqrt,
    Polynomial,
    Rex,
    Tanh,
)
from ._shapes.piecewise import PiecewiseConstant, PiecewiseCosine, PiecewiseLinear
from ._shapes.waves import CosineWave, TriangleWave
from ._view.check import Finding
from ._view.compare import Comparison
from ._view.explore.explorer import Explorer
from ._view.transfer import Transfer, TransferBound

__all__ = [
    "Add",
    "Clip",
    "Comparison",
    "Constant",
    "Cosine",
    "CosineWave",
    "CounterSchedule",
    "DebiasedDecay",
    "Divide",
    "Explorer",
    "Exponential",
    "ExponentialApproach",
    "FeedbackSchedule",
    "Finding",
    "FiniteExponential",
    "FiniteSchedule",
    "Function",
    "Geometric",
    "Groups",
    "HalfLife",
    "InSteps",
    "InverseSqrt",
    "InverseTime",
    "Join",
    "KDecay",
    "Linear",
    "Logarithmic",
    "Maximum",
    "Minimum",
    "OneCycle",
    "OneMinusSqrt",
    "PathMask",
    "PiecewiseConstant",
    "PiecewiseCosine",
    "PiecewiseLinear",
    "Polynomial",
    "PowerLaw",
    "Product",
    "Radam",
    "Ratio",
    "Recipe",
    "Restart",
    "Rex",
    "Scale",
    "Schedule",
    "Seesaw",
    "Shape",
    "Shift",
    "SpeedUp",
    "Staircase",
    "Stretch",
    "Suggestion",
    "Tanh",
    "Time",
    "Transfer",
    "TransferBound",
    "TriangleWave",
    "WarmupConstant",
    "WarmupCosine",
    "WarmupCosineRestarts",
    "WarmupExponential",
    "WarmupInverseSqrt",
    "WarmupLinear",
    "WarmupPiecewiseConstant",
    "WarmupPolynomial",
    "WarmupStableDecay",
    "WithCooldown",
    "WithWarmup",
    "static",
]
