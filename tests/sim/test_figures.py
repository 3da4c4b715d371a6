"""What the scheduler is worth on the reference fleet: the product's own object, beside what others do."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import pytest

from .experiment import Outcome, run

# Not those that anything was tuned on.
SEEDS = range(1001, 1006)
POLICIES = ("static weights", "least connections", "shortest expected delay", "the rule")

pytestmark = pytest.mark.slow

Table = dict[tuple[str, float], list[Outcome]]


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    """Every policy on every seed, at a tenth and a fifth of the reference load."""
    found = {(policy, load): [run(policy, seed, load) for seed in SEEDS] for policy in POLICIES for load in (0.1, 0.2)}
    yield found
    for (policy, load), outcomes in sorted(found.items()):
        print(
            f"{load} {policy:24} goodput {goodput(outcomes):.3f}  swaps/h {swaps(outcomes):5.1f}  "
            f"unfairness {median(one.unfairness for one in outcomes):4.1f}  "
            f"chat ttft p95 {median(one.chat_first_p95_s for one in outcomes):6.1f} s"
        )


def goodput(outcomes: list[Outcome]) -> float:
    return median(one.goodput for one in outcomes)


def swaps(outcomes: list[Outcome]) -> float:
    return median(one.swaps_per_hour for one in outcomes)


@pytest.mark.parametrize(("load", "factor"), [(0.1, 1.25), (0.2, 1.6)])
def test_more_calls_are_in_time_than_by_static_weights(table: Table, load: float, factor: float) -> None:
    assert goodput(table["the rule", load]) >= factor * goodput(table["static weights", load])


@pytest.mark.parametrize("load", [0.1, 0.2])
@pytest.mark.parametrize("other", POLICIES[:-1])
def test_no_other_policy_has_more_calls_in_time(table: Table, load: float, other: str) -> None:
    assert goodput(table["the rule", load]) >= goodput(table[other, load])


@pytest.mark.parametrize("load", [0.1, 0.2])
def test_models_are_swapped_at_most_half_as_often_as_by_least_connections(table: Table, load: float) -> None:
    assert swaps(table["the rule", load]) <= 0.5 * swaps(table["least connections", load])


@pytest.mark.parametrize("load", [0.1, 0.2])
def test_no_user_is_slowed_down_four_times_as_much_as_another(table: Table, load: float) -> None:
    assert median(one.unfairness for one in table["the rule", load]) <= 4.0


def test_a_clients_context_causes_no_reload() -> None:
    """A third of the clients ask for a context of their own; other policies pass it on, and Ollama loads anew."""
    with_contexts = run("the rule", SEEDS[0], 0.1, num_ctx=True)
    assert with_contexts.reloads == 0
    assert with_contexts.swaps_per_hour == run("the rule", SEEDS[0], 0.1).swaps_per_hour
    assert run("static weights", SEEDS[0], 0.1, num_ctx=True).reloads > 10
