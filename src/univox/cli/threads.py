"""How long torch's threads wait for each other before they let go of a core."""

from __future__ import annotations

import os

SPINS = "1000"


def let_go_of_idle_cores() -> None:
    """Make OpenMP threads that wait for the others sleep soon instead of holding a core.

    Must be called before torch is imported; what the user has set wins. See docs/decisions/0005.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
