"""The first Python code that runs in the binary: find the packages next to it, then run `sidecar`.

The launcher starts it as ``python -I -S -B -X utf8 FOLDER/boot.pyc ...``, which makes it independent of the
machine: no PYTHON* variable, no site-packages, no .pyc written, and UTF-8 on a machine without locales.
"""

import os
import sys
from contextlib import suppress

# The trusted certificates of Debian's OpenSSL, which is the packed one, and of other distributions.
# (Spelled out, because importing `ssl` would cost each start some milliseconds.)
_DEBIAN_CERTS = "/usr/lib/ssl/certs"
_CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def _keep_lock() -> None:
    """Hold the folder's lock until this process exits; no child and no re-execution inherits it."""
    held = os.environ.pop("_SIDECAR_UNPACKED_FD", "")
    if held.isdigit():
        os.set_inheritable(int(held), False)


def _set_process_name() -> None:
    """Show as `sidecar` in ps, pgrep and the journal, instead of under the loader's name."""
    with suppress(OSError), open("/proc/self/comm", "w") as name:
        name.write("sidecar")


def _use_system_certificates() -> None:
    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ or os.path.isdir(_DEBIAN_CERTS):
        return
    for bundle in _CA_BUNDLES:
        if os.path.exists(bundle):
            os.environ["SSL_CERT_FILE"] = bundle
            return


def main() -> int:
    """Run the command that the command line names; return the exit code."""
    _keep_lock()
    _set_process_name()
    sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "app"))
    _use_system_certificates()
    from sidecar.__main__ import main as sidecar

    return sidecar()


if __name__ == "__main__":
    sys.exit(main())
