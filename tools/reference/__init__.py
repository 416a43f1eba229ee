"""The pages of docs/reference that are generated from the code: `make reference` writes them.

Belongs here: one module for each page, with a function without arguments that returns the page's text.
Forbidden here: facts that are not in the code. The exceptions are in the tables of ``notes``; a page fails if
an entry is missing.
"""

from __future__ import annotations

from collections.abc import Callable

from tools.reference.admin_api import admin_api
from tools.reference.command_line import command_line
from tools.reference.etcd_keys import etcd_keys
from tools.reference.exit_codes import exit_codes
from tools.reference.log_events import log_events
from tools.reference.metrics import metrics
from tools.reference.policy import policy
from tools.reference.settings import settings

PAGES: dict[str, Callable[[], str]] = {
    "settings": settings,
    "command-line": command_line,
    "policy": policy,
    "exit-codes": exit_codes,
    "log-events": log_events,
    "metrics": metrics,
    "admin-api": admin_api,
    "etcd-keys": etcd_keys,
}
"""The function of each page, by its name: ``docs/reference/NAME.md``."""
