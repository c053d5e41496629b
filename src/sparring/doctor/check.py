"""The result of a check."""

from dataclasses import dataclass

OK, SLOW, BROKEN = "ok", "slow", "broken"
STATES = (OK, SLOW, BROKEN)
"""From best to worst; slow means that it works, but could be faster."""


@dataclass(frozen=True)
class Check:
    state: str
    """One of `STATES`."""
    message: str
    """The observation, in one line."""
    advice: str = ""
    """What to do; empty if ok."""


def worst(checks: list[Check]) -> Check:
    """Several checks of one topic as one: the worst state, all messages, all advice."""
    state = max((check.state for check in checks), key=STATES.index, default=OK)
    advice = "; ".join(check.advice for check in checks if check.advice)
    return Check(state, "; ".join(check.message for check in checks), advice)
