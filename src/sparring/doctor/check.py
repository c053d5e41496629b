"""What a check found."""

from dataclasses import dataclass

OK, SLOW, BROKEN = "ok", "slow", "broken"
STATES = (OK, SLOW, BROKEN)
"""From best to worst: slow is what works, but not as it could."""


@dataclass(frozen=True)
class Check:
    state: str
    """One of `STATES`."""
    told: str
    """What was seen, in a line."""
    todo: str = ""
    """What to do; empty if it is ok."""


def worst(checks: list[Check]) -> Check:
    """Several of one topic as one: the worst state, everything that was told, what to do where it is not ok."""
    state = max((check.state for check in checks), key=STATES.index, default=OK)
    todo = "; ".join(check.todo for check in checks if check.todo)
    return Check(state, "; ".join(check.told for check in checks), todo)
