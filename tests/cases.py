"""How many cases a property test tries: few by default, `SPARRING_CASES` in a longer run."""

import os

from hypothesis import HealthCheck, settings


def examples(n: int) -> settings:
    """Settings of a hypothesis test with n cases, the same ones in every run."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    cases = int(os.environ.get("SPARRING_CASES", n))
    return settings(max_examples=cases, deadline=None, derandomize=True, suppress_health_check=checks)
