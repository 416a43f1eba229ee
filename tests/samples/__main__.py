"""Compares the samples with what the code writes now; ``--write`` keeps what it writes."""

from __future__ import annotations

import sys

from tests.samples.catalogue import SAMPLES


def main() -> int:
    write = sys.argv[1:] == ["--write"]
    changed = [
        each for each in SAMPLES.values() if not each.path.exists() or each.path.read_bytes() != each.write()
    ]
    for sample in changed:
        print(f"{'wrote' if write else 'differs:'} {sample.path}")
        if write:
            sample.path.write_bytes(sample.write())
    if changed and write:
        print("review them with `git diff`: a format that was released must not change without a new number")
    return 0 if write or not changed else 1


if __name__ == "__main__":
    sys.exit(main())
