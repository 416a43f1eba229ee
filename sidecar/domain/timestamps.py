"""Points in time as etcd stores them: RFC 3339, UTC, to the second."""

from datetime import UTC, datetime


def format_timestamp(now: float) -> str:
    """``now`` (Unix epoch) as RFC 3339, UTC, to the second."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(at: str) -> float:
    """The seconds since the epoch of ``at``, which is as RFC 3339 has it; 0 for a day of no calendar."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError):  # the schema knows the form, and not how long a February is
        return 0.0
