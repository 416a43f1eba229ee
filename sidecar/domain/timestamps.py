"""Points in time as etcd stores them: RFC 3339, UTC, to the second."""

from datetime import UTC, datetime


def format_timestamp(now: float) -> str:
    """``now`` (Unix epoch) as RFC 3339, UTC, to the second."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(at: str) -> float:
    """``at`` (RFC 3339) in seconds since the epoch; 0 for a date that does not exist."""
    try:
        return datetime.fromisoformat(at).timestamp()
    except (ValueError, OverflowError):  # the schema checks the form, but not the length of February
        return 0.0
