"""Some hundreds of seeds; ``make simulate SEEDS=10000`` runs more."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.simulation.runner import simulate

SEEDS, SEEDS_PER_TEST = 240, 5


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_networks_keep_every_invariant_under_random_faults(first: int) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        simulate(seed)


def test_a_seed_gives_the_same_run_in_another_process() -> None:
    lines = list[str]()
    simulate(11, echo=lines.append)
    command = [sys.executable, "-m", "tests.simulation", "--seed", "11"]
    again = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert again.stdout.splitlines()[:-1] == lines
