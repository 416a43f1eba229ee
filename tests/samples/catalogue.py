"""All samples."""

from __future__ import annotations

from tests.samples.local import local_samples
from tests.samples.outputs import output_samples
from tests.samples.records import record_samples
from tests.samples.sample import Sample

STORED: dict[str, Sample] = {each.name: each for each in (*record_samples(), *local_samples())}
"""What a later version of the sidecar reads."""

SAMPLES: dict[str, Sample] = STORED | {each.name: each for each in output_samples()}
