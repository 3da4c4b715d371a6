"""Of the progress that stable-diffusion.cpp tells, what is a picture's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.backends.local.diffusion_child import Step, Steps, Task, memory_words
from potluck.backends.local.diffusion_files import Files


def steps_of(said: list[tuple[int, int]], *, steps: int = 3, hires_steps: int = 0, hires: bool = False) -> list[Step]:
    told: list[Step] = []
    counted = Steps(told.append)
    counted.saw(5, 900, 0.1)  # tensors, as they are loaded
    task = Task(Files(), "", "", 64, 64, steps, 1.0, 3.5, "euler", "simple", 1, hires_scale=2.0 if hires else 0.0)
    counted.begin(replace(task, hires_steps=hires_steps))
    for step, of in said:
        counted.saw(step, of, 0.1)
    counted.end()
    counted.saw(1, 4, 0.1)
    return told


def test_steps_are_told_once_each() -> None:
    assert steps_of([(0, 3), (1, 3), (1, 3), (2, 3), (3, 3)]) == [Step(1, 3), Step(2, 3), Step(3, 3)]


def test_tiles_after_the_last_step_are_none() -> None:
    assert steps_of([(1, 3), (2, 3), (3, 3), (1, 4), (4, 4)])[-1] == Step(3, 3)


def test_a_second_pass_goes_on_where_the_first_ended() -> None:
    told = steps_of([(1, 3), (2, 3), (3, 3), (1, 2), (2, 2)], hires=True, hires_steps=2)
    assert [(each.done, each.of) for each in told] == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]
    assert steps_of([(1, 3)], hires=True) == [Step(1, 6)]


@pytest.mark.parametrize(
    ("said", "memory"),
    [
        ("GGML_ASSERT(ctx->mem_buffer != NULL) failed", True),
        ("terminate called after throwing an instance of 'std::bad_alloc'", True),
        ("failed to allocate the compute buffer", True),
        ("tensor 'x' not in model file", False),
    ],
)
def test_complaints_about_memory_are_known(said: str, memory: bool) -> None:
    assert memory_words(said) is memory
