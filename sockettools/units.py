"""Amounts as people read them."""


def octets_text(octets: float) -> str:
    """Write octets in the unit that leaves up to three digits before the point.

    >>> octets_text(999), octets_text(70_057), octets_text(1e9)
    ('999 B', '70.1 kB', '1.0 GB')
    """
    if octets < 999.5:
        return f"{octets:.0f} B"
    for unit in ("kB", "MB", "GB"):
        octets /= 1000
        if octets < 999.95:
            return f"{octets:.1f} {unit}"
    return f"{octets / 1000:.1f} TB"


def clock_text(seconds: float) -> str:
    """Write a duration as a clock does.

    >>> clock_text(6.2), clock_text(3723)
    ('0:06', '1:02:03')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
