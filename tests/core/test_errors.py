"""The one error of bad arguments: what it carries, its sentence, and its other names."""

import copy
import pickle

import pytest

import warmup_optax as wo
from warmup_optax._core import checks


def caught(call):
    with pytest.raises((wo.ArgumentError, wo.ArgumentTypeError)) as info:
        call()
    return info.value


def parts(error):
    return error.function, error.argument, error.value, error.allowed, error.fix


def test_an_error_carries_its_parts():
    error = caught(lambda: wo.linear(1.0, 0.0, 2.5))
    assert isinstance(error, wo.ArgumentError)
    assert isinstance(error, ValueError)
    fix = "round it: a step is one optimizer update"
    assert parts(error) == ("linear", "steps", 2.5, "a whole number of steps >= 0", fix)
    assert str(error) == f"linear: steps must be a whole number of steps >= 0, got 2.5; {fix}"


def test_an_error_of_a_type_carries_its_parts():
    error = caught(lambda: wo.join([0.1, None], [5]))
    assert isinstance(error, wo.ArgumentTypeError)
    assert isinstance(error, TypeError)
    assert not isinstance(error, ValueError)
    allowed = "a schedule, a function of a count, or a finite number"
    assert parts(error) == ("join", "schedules[1]", None, allowed, "")
    assert str(error) == f"join: schedules[1] must be {allowed}, got None"


def test_an_error_names_an_element():
    error = caught(lambda: wo.piecewise_constant([0.3, 0.2, 0.1], [20, 10]))
    assert parts(error)[:3] == ("piecewise_constant", "boundaries[1]", 10)


def test_a_long_value_is_cut_in_the_sentence_alone():
    value = "x" * 1000
    error = caught(lambda: wo.constant(value))
    assert error.value == value
    assert "xxx..." in str(error)
    assert len(str(error)) < 400
    assert "..." not in str(caught(lambda: wo.constant("x" * 198)))  # with quotation marks, all that is shown
    assert "..." in str(caught(lambda: wo.constant("x" * 199)))


@pytest.mark.parametrize(
    "again", [lambda e: pickle.loads(pickle.dumps(e)), copy.copy], ids=["pickle", "copy"]
)
@pytest.mark.parametrize(
    "call",
    [
        lambda: wo.linear(1.0, 0.0, 2.5),
        lambda: wo.constant("0.1"),
        lambda: wo.warmup_cosine(0.1, warmup_steps=9, total_steps=5),
    ],
)
def test_an_error_is_copied_whole(again, call):
    error = caught(call)
    copied = again(error)
    assert type(copied) is type(error)
    assert parts(copied) == parts(error)
    assert str(copied) == str(error)


def test_renamed_gives_the_names_of_the_caller():
    with pytest.raises(wo.ArgumentError) as info, checks.renamed("compat.x.Decay", steps="decay_steps"):
        wo.linear(1.0, 0.0, -1)
    assert (info.value.function, info.value.argument) == ("compat.x.Decay", "decay_steps")
    assert str(info.value).startswith(
        "compat.x.Decay: decay_steps must be a whole number of steps >= 0, got -1"
    )


def test_renamed_keeps_the_place_of_an_element():
    with pytest.raises(wo.ArgumentError) as info, checks.renamed("multistep", boundaries="milestones"):
        wo.piecewise_constant([0.3, 0.2, 0.1], [20, 10])
    assert info.value.argument == "milestones[1]"


def test_renamed_composes():
    """The outermost caller has the last word, also about what an inner one calls its own argument."""
    with (
        pytest.raises(wo.ArgumentError) as info,
        checks.renamed("outermost", milestones="epochs"),
        checks.renamed("multistep", boundaries="milestones"),
    ):
        wo.piecewise_constant([0.3, 0.2, 0.1], [20, 10])
    assert (info.value.function, info.value.argument) == ("outermost", "epochs[1]")


def test_other_arguments_in_a_sentence_are_renamed_too():
    """Names as ``${b}``, in the rule and in the fix; braces and dollars of a value stay."""

    def check():
        checks.raise_bad_argument(
            "inner", "a", 1, "at least ${b} = 2", "lower ${b}, or raise ${a}, not {b: 2} or $b"
        )

    assert (
        str(caught(check)) == "inner: a must be at least b = 2, got 1; lower b, or raise a, not {b: 2} or $b"
    )
    with (
        pytest.raises(wo.ArgumentError) as info,
        checks.renamed("outer", y="z"),
        checks.renamed("middle", a="x", b="y"),
    ):
        check()
    assert str(info.value) == "outer: x must be at least z = 2, got 1; lower z, or raise x, not {b: 2} or $b"
    assert (info.value.allowed, info.value.fix) == ("at least z = 2", "lower z, or raise x, not {b: 2} or $b")


def test_renamed_lets_other_errors_pass():
    with pytest.raises(KeyError), checks.renamed("outer", steps="n"):
        raise KeyError("steps")
