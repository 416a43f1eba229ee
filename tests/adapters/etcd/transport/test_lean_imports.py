"""The detectors of encodings are not imported by a sidecar, but by other programs."""

from __future__ import annotations

import subprocess
import sys


def output_of(script: str) -> str:
    """The output of a fresh interpreter: a process imports a module only once."""
    line = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(line, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def test_talking_to_etcd_loads_no_detector_and_warns_of_nothing() -> None:
    script = (
        "import sys, sidecar.adapters.etcd.transport.clients, requests\n"
        "print(requests.compat.chardet, [name for name in sys.modules if name.startswith('char')])"
    )
    assert output_of(script) == "None []"


def test_a_detector_can_be_imported_afterwards() -> None:
    script = (
        "import sidecar.adapters.etcd.transport.clients, charset_normalizer\n"
        "print(charset_normalizer.from_bytes('señal'.encode()).best().encoding)"
    )
    assert output_of(script) == "utf_8"


def test_a_detector_that_was_there_before_stays() -> None:
    script = (
        "import charset_normalizer as before, sys, sidecar.adapters.etcd.transport.clients\n"
        "print(sys.modules['charset_normalizer'] is before)"
    )
    assert output_of(script) == "True"


def test_requests_takes_a_text_without_an_encoding_for_utf_8() -> None:
    script = (
        "import sidecar.adapters.etcd.transport.clients, requests\n"
        "answer = requests.Response()\n"
        "answer._content = 'señal'.encode()\n"
        "print(answer.text == 'señal')"
    )
    assert output_of(script) == "True"
