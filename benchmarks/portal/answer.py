"""The answer that is streamed: mixed Markdown as models write it, the same in every run."""

from __future__ import annotations

from potluck_fake_engine import tokens

_SECTION = r"""## Part @: placing models on *mixed* machines

A node with **@ GiB** of free memory can hold one of these, and the scheduler decides which by what was asked for
lately. See [the guide](https://example.com/guide/@) and `potluck models ls`, which lists what is *resident*, what is
on disk, and what would have to be pulled first; the rest follows from the numbers below.

1. **Look** at what every engine holds now, and how long each call waited.
2. **Judge** whether a second copy pays:
   - it does when `waiting > slots` for more than @ s,
   - it does not when the memory is needed for `model-@`.
3. **Act**, and note the reason.

```python
def place_@(nodes: list[Node], wanted: Model) -> Node | None:
    '''The node with the most free memory that can hold it.'''
    fitting = [node for node in nodes if node.free_bytes >= wanted.size_bytes]
    if not fitting:
        return None  # somebody must go first
    return max(fitting, key=lambda node: (node.free_bytes, -node.queue))
```

| node | free GiB | tokens/s | state |
|------|---------:|---------:|-------|
| agx@ | @.5 | 41.2 | warm |
| orin@ | 3.25 | 17.8 | loading |
| desk@ | 11.0 | 96.4 | busy |

> The expected wait is $w = q / s$ for a queue of $q$ calls and $s$ slots, so that

$$
w_@ = \frac{q_@ \cdot t}{s_@} + \sum_{i=1}^{k} l_i
$$

Then the line is short again, and the next call starts within @ seconds of its arrival, wherever that is.

"""


def answer(count: int) -> str:
    """Markdown of exactly so many of the fake engine's tokens."""
    text, number = "", 1
    while tokens.count(text) < count:
        text += _SECTION.replace("@", str(number))
        number += 1
    return "".join(tokens.pieces(text)[:count])
