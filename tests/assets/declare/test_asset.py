"""The ``@asset`` decorator, outside of any project."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from upriver.assets import asset, source
from upriver.assets.declare.asset import AssetFunction
from upriver.assets.errors import DeclarationError, Diagnosis

orders = source("raw.orders", "data/orders.csv")


@asset
def doubled(number: int) -> int:
    """Twice as much."""
    return 2 * number


@asset("marts.tripled", tags=["marts"], timeout="5m", memory="2GB", retries=2, backoff="10s")
def tripled(number: int) -> int:
    return 3 * number


def test_an_asset_function_is_called_like_the_function_itself() -> None:
    assert doubled(2) == 4
    assert tripled(number=2) == 6


def test_it_keeps_the_name_the_documentation_and_the_signature() -> None:
    assert doubled.__name__ == doubled.__qualname__ == "doubled"
    assert doubled.__module__ == __name__
    assert doubled.__doc__ == "Twice as much."
    assert list(inspect.signature(doubled).parameters) == ["number"]
    assert inspect.unwrap(doubled) is doubled.function
    assert repr(doubled) == f"<asset function {__name__}.doubled>"


def test_options_are_read_to_seconds_and_bytes() -> None:
    options = tripled.options
    assert options.key == "marts.tripled"
    assert options.tags == ("marts",)
    assert (options.timeout, options.memory, options.retries, options.backoff) == (300, 2 * 10**9, 2, 10)
    assert options.execution.timeout == 300


def test_the_key_may_be_given_by_name() -> None:
    assert asset(key="a.b")(lambda: 1).options.key == "a.b"


def test_it_can_not_be_changed() -> None:
    with pytest.raises(AttributeError, match="can't be changed"):
        doubled.line = 3
    with pytest.raises(AttributeError, match="can't be changed"):
        del doubled.line


def test_it_is_copied_as_functions_are() -> None:
    assert copy.copy(doubled) is doubled
    assert copy.deepcopy([doubled])[0] is doubled


def test_it_is_pickled_by_name_as_functions_are() -> None:
    assert b"doubled" in pickle.dumps(doubled)


def test_it_knows_its_file_and_line_also_under_other_decorators() -> None:
    def shouting(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: object) -> object:
            return function(*args)

        return wrapper

    def plain() -> None: ...

    wrapped = asset(shouting(plain))
    assert wrapped.file == __file__
    assert wrapped.line == plain.__code__.co_firstlineno


def test_declarations_themselves_can_be_named_as_inputs_and_as_what_to_wait_for() -> None:
    declared = asset(inputs={"o": orders}, after=[doubled, "a.b"])(lambda o: o)
    assert declared.inputs == {"o": orders}
    assert declared.after == ("a.b", doubled)


def wrong(function: object = None, **options: Any) -> tuple[Diagnosis, ...]:
    """What is said of an asset declared with *options*."""
    with pytest.raises(DeclarationError) as caught:
        asset(**options)(function or (lambda: None))  # type: ignore[arg-type]
    return caught.value.diagnoses


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("timeout", "5 minits", "unknown unit 'minits'"),
        ("timeout", 0, "leaves no time to run"),
        ("memory", "2", "is the unit missing"),
        ("retries", -1, "between 0 and 100"),
        ("retries", "some", "a whole number is expected, not 'some'"),
        ("tags", ["a b"], "'a b' is no label"),
        ("tags", 3, "a list, such as [a, b], is expected, not 3"),
        ("volatile", "weekly", "possible are always, daily, never"),
        ("volatile", "dayly", "did you mean 'daily'?"),
        ("kind", "view", "possible are file, table"),
        ("suffix", "json", "write it like '.json'"),
        ("suffix", "../x", "write it like '.json'"),
        ("owner", "", "one line of text is expected"),
        ("ordered", "maybe", "true or false is expected"),
        ("key", "Bad Key", "'Bad Key' is no key: a key is a dotted path"),
        ("key", 3, "a key is expected, not 3"),
        ("after", ["Bad"], "'Bad' is no key"),
        ("after", [open], "a key is expected, not <built-in function open>"),
        ("environment", ["A-B"], "'A-B' is no variable name"),
        ("inputs", {"o": "Bad"}, "'Bad' is no key"),
        ("inputs", {"o": 3}, "a key, an asset or a source is expected for 'o', not 3"),
        ("inputs", {3: "a"}, "3 is no parameter name"),
        ("inputs", ["a"], "upstreams by parameter are expected"),
        ("timeot", "5m", "there is no option 'timeot'\n  hint: did you mean 'timeout'?"),
    ],
)
def test_a_wrong_option_raises_with_the_users_line(option: str, value: object, said: str) -> None:
    (diagnosis,) = wrong(**{option: value})
    assert said in str(diagnosis)
    assert diagnosis.place is not None
    assert diagnosis.place.path == __file__


def test_all_wrong_options_of_a_declaration_are_told_at_once() -> None:
    diagnoses = wrong(key="marts.x", timeout="soon", memory="much", tags=[" "])
    assert {diagnosis.message.split(":")[0] for diagnosis in diagnoses} == {"tags", "timeout", "memory"}
    assert {diagnosis.key for diagnosis in diagnoses} == {"marts.x"}


async def _async() -> None: ...


def _generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (dict, "dict is a class"),
        (len, "len is a builtin_function_or_method"),
        (functools.partial(print), "is a partial"),
        (_async, "_async is an async function"),
        (_generator, "_generator is a generator"),
        (doubled, "doubled is an asset already"),
    ],
)
def test_what_is_not_an_ordinary_function_is_refused(function: object, said: str) -> None:
    assert said in str(wrong(function)[0])


def test_a_single_label_needs_no_list() -> None:
    assert asset(tags="marts")(lambda: 1).options.tags == ("marts",)


def test_types_are_kept() -> None:
    """Checked by mypy: a decorated function has its own parameter and result types."""
    result: int = doubled(1)
    same: AssetFunction[[int], int] = doubled
    assert same(1) == result
