"""Some hundreds of seeds; ``make simulate SEEDS=10000`` plays as many as one likes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.simulation.play import simulate

SEEDS, AT_ONCE = 240, 5


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_networks_under_random_faults_keep_every_promise(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        simulate(seed)


def test_a_seed_is_played_the_same_way_in_another_process() -> None:
    lines = list[str]()
    simulate(11, echo=lines.append)
    command = [sys.executable, "-m", "tests.simulation", "--seed", "11"]
    again = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert again.stdout.splitlines()[:-1] == lines
