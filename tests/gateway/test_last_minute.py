from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potluck.gateway.last_minute import LastMinute, Minute
from potluck.storage.records import CallStatus

STATUSES = st.sampled_from(list(CallStatus))


@given(calls=st.lists(st.tuples(st.floats(0, 40), STATUSES, st.integers(0, 99)), max_size=50))
def test_it_counts_what_ended_in_the_last_sixty_seconds_and_no_more(
    calls: list[tuple[float, CallStatus, int]],
) -> None:
    minute, now = LastMinute(), 1_000_000.0
    ended: list[tuple[int, CallStatus, int]] = []
    for pause_s, status, tokens in calls:
        now += pause_s
        minute.add(status, tokens, now)
        ended.append((int(now), status, tokens))
    recent = [each for each in ended if each[0] > int(now) - 60]
    counted = {status: sum(each[1] is status for each in recent) for status in {each[1] for each in recent}}
    assert minute.told(now) == Minute(counted, sum(each[2] for each in recent))


def test_it_forgets_without_being_told_of_anything_new() -> None:
    minute = LastMinute()
    minute.add(CallStatus.OK, 7, 1_000.0)
    assert minute.told(1_059.9) == Minute({CallStatus.OK: 1}, 7)
    assert minute.told(1_060.0) == Minute({}, 0)
    assert minute.told(999.0) == Minute({}, 0)
