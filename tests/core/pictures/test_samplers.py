from __future__ import annotations

import pytest

from potluck.core.pictures import samplers
from potluck.core.pictures.samplers import SAMPLERS, SCHEDULERS, Sampling, understood


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (("Euler a", "Automatic"), ("euler_ancestral", "")),
        (("k_euler_a", ""), ("euler_ancestral", "")),
        (("DPM++ 2M Karras", ""), ("dpmpp_2m", "karras")),
        (("DPM++ 2M SDE Exponential", ""), ("dpmpp_2m_sde", "exponential")),
        (("DPM++ 2M Karras", "Simple"), ("dpmpp_2m", "simple")),
        (("dpmpp_2s_ancestral", "sgm_uniform"), ("dpmpp_2s_ancestral", "sgm_uniform")),
        (("dpm++2s_a", "discrete"), ("dpmpp_2s_ancestral", "normal")),
        (("", "Uniform"), ("", "normal")),
        (("", ""), ("", "")),
    ],
)
def test_what_clients_say_is_understood(said: tuple[str, str], meant: tuple[str, str]) -> None:
    assert understood(*said) == Sampling(*meant)


@pytest.mark.parametrize("said", [("Nobody", ""), ("Nobody Karras", ""), ("Euler Nobody", ""), ("Euler", "nobody")])
def test_what_nobody_knows_is_not_guessed(said: tuple[str, str]) -> None:
    assert understood(*said) is None


def test_every_name_of_the_table_means_itself() -> None:
    for sampler in SAMPLERS:
        assert all(samplers.canonical_sampler(name) == sampler.name for name in sampler[:2])
        assert all(samplers.canonical_sampler(alias) == sampler.name for alias in sampler.aliases)
        assert samplers.canonical_scheduler(sampler.automatic) == sampler.automatic
        assert samplers.label(sampler.name) == sampler.label
    for scheduler in SCHEDULERS:
        assert all(samplers.canonical_scheduler(name) == scheduler.name for name in scheduler[:2])
        assert samplers.scheduler_label(scheduler.name) == scheduler.label


def test_an_engines_own_word_is_found() -> None:
    assert samplers.spoken_sampler("dpmpp_2m", ["Euler", "DPM++ 2M"]) == "DPM++ 2M"
    assert samplers.spoken_sampler("dpmpp_2m", ["Euler"]) == ""
    assert samplers.spoken_scheduler("normal", ["Uniform", "Normal"]) == "Normal"
    assert samplers.spoken_scheduler("normal", ["Uniform", "Karras"]) == "Uniform"
    assert samplers.spoken_scheduler("beta", ["Uniform"]) == ""


def test_who_names_no_scheduler_gets_the_samplers_usual_one() -> None:
    assert samplers.automatic("dpmpp_2m") == "karras"
    assert samplers.automatic("new_sampler") == "normal"


def test_names_nobody_knows_are_shown_as_they_are() -> None:
    assert samplers.label("new_sampler") == "new_sampler"
    assert samplers.scheduler_label("new") == "new"
