"""Names that a module does not have lead to the nearest one, or to the feature."""

import re

import optax
import pytest

import warmup_optax as wo
from warmup_optax._suggestions import ELSEWHERE, OPTAX, no_attribute

TORCH = [name for name in vars(wo.compat.torch) if not name.startswith("_")]


def hint(module, name, names):
    message = str(no_attribute(module, name, names))
    start = f"module {module!r} has no attribute {name!r}"
    assert message.startswith(start)
    return message.removeprefix(start)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ReduceLROnPlateau", "with_feedback(schedule, feedback.Plateau(...))"),
        ("plateau", "with_feedback"),
        ("GreedyLR", "feedback.Greedy"),
        ("param_groups", "groups({pattern: factor})"),
        ("layer_decay", "layerwise"),
        ("noam", "warmup_inverse_sqrt"),
        ("NoamLR", "warmup_inverse_sqrt"),
        ("SGDR", "warmup_cosine_restarts"),
        ("trapezoidal", "warmup_stable_decay"),
        ("rsqrt", "inverse_sqrt"),
        ("rsqrt_decay", "inverse_sqrt"),
        ("cyclic", "compat.torch.CyclicLR"),
        ("re_warm", "with_warmup"),
        ("LambdaLR", "as_schedule"),
        ("warmup_cosin", "did you mean warmup_cosine"),
        ("restarts", "did you mean restart?"),
        ("Cosine", "did you mean cosine"),
        ("MultiStepLR", "piecewise_constant"),
    ],
)
def test_a_name_of_the_field_leads_to_the_feature(name, says):
    assert says in hint("warmup_optax", name, wo.__all__)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cosine_annealing_lr", "; cosine is the curve"),
        ("CosineAnnealing", "; cosine is the curve"),
        ("OneCycle", "; warmup_optax.compat.deepspeed has it"),
        ("exponential_lr", "; did you mean ExponentialLR?"),
        ("PolynomialsLR", "; did you mean PolynomialLR?"),
        ("InverseSquareRootSchedule", "; warmup_optax.compat.fairseq has it"),
        ("xyzzy", ""),
        ("__path__", ""),
        ("_repr_html_", ""),
    ],
)
def test_a_name_of_a_port_leads_to_the_nearest(name, says):
    assert hint("warmup_optax.compat.torch", name, TORCH).startswith(says)
    if not says:
        assert not hint("warmup_optax.compat.torch", name, TORCH)


def test_every_schedule_of_optax_leads_to_ours():
    """Names typed by habit; the recommended names and ports exist."""
    ported = {name for name in vars(wo.compat.optax) if name in vars(optax) and name[0] != "_"}
    assert {name for name in ported if callable(getattr(optax, name))} <= set(OPTAX)
    for name, ours in OPTAX.items():
        assert hasattr(wo.compat.optax, name)
        assert all(hasattr(wo, word) for word in ours.split(" or "))


def test_recommended_names_exist():
    """Every name in the sentences can be imported from where they say it is."""
    text = " ".join(ELSEWHERE.values())
    for path in re.findall(r"\bcompat\.(\w+\.\w+)", text):
        library, name = path.split(".")
        assert hasattr(getattr(wo.compat, library), name)
    for path in re.findall(r"\boptax\.([a-z_]+(?:\.[a-z_]+)*)", text.replace("warmup_optax.", "")):
        found = optax
        for part in path.split("."):
            found = getattr(found, part)
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", re.sub(r"optax\.[\w.]+", "", text)))
    assert named - {"hold_steps", "total_steps"} <= set(wo.__all__)


@pytest.mark.parametrize(
    ("module", "name", "says"),
    [
        (wo, "ReduceLROnPlateau", r"with_feedback\(schedule, feedback\.Plateau"),
        (wo, "with_plateau", r"did you mean with_feedback\(schedule, feedback\.Plateau"),
        (wo, "warmup_cosin", "did you mean warmup_cosine"),
        (wo, "tanh", r"did you mean wo\.shapes\.tanh\?"),
        (wo, "WarmupCosine", r"did you mean wo\.nodes\.WarmupCosine\?"),
        (wo, "Finding", r"did you mean wo\.nodes\.Finding\?"),
        (wo, "speed_up", r"did you mean stretch\(schedule, Fraction\(1, factor\)\)\?"),
        (wo, "suggest", r"did you mean suggest_learning_rate\?"),
        (wo, "add", r"did you mean a \+ b\?"),
        (wo, "join_schedules", r"did you mean join\? compat\.optax\.join_schedules takes"),
        (wo, "rex", r"did you mean wo\.shapes\.rex\?"),
        (wo.shapes, "cosin", "'warmup_optax.shapes' has no attribute 'cosin'; did you mean cosine"),
        (wo.compat, "pytorch", "did you mean torch"),
        (wo.compat, "CosineAnnealingLR", "warmup_optax.compat.torch has it"),
        (wo.compat, "xyzzy", "it has axlearn, big_vision"),
        (wo.compat.torch, "CosineAnealingLR", "did you mean CosineAnnealingLR"),
        (wo.compat.paddle, "NoamDecy", "did you mean NoamDecay"),
        (wo.compat.optax, "cosine_decay", "did you mean cosine_decay_schedule"),
    ],
)
def test_a_module_suggests_names(module, name, says):
    """The modules answer with these sentences."""
    with pytest.raises(AttributeError, match=says):
        getattr(module, name)


@pytest.mark.parametrize("library", wo.compat.__all__)
def test_every_port_suggests_names(library):
    """No module of `compat` is left out."""
    with pytest.raises(AttributeError, match="with_feedback"):
        wo.compat.__getattr__(library).ReduceLROnPlateau  # noqa: B018
