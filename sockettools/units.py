"""Amounts as people read them."""


def octets_text(octets: float) -> str:
    """Write octets in the unit that leaves up to three digits before the point.

    >>> octets_text(999), octets_text(1_234), octets_text(5_678_901), octets_text(10**14)
    ('999 B', '1.2 kB', '5.7 MB', '100.0 TB')
    """
    if octets < 999.5:
        return f"{octets:.0f} B"
    for unit in ("kB", "MB", "GB"):
        octets /= 1000
        if octets < 999.95:
            return f"{octets:.1f} {unit}"
    return f"{octets / 1000:.1f} TB"


def counted(number: int, thing: str) -> str:
    """Write a number of things.

    >>> counted(1, "item"), counted(0, "item"), counted(1200, "item")
    ('1 item', '0 items', '1,200 items')
    """
    return f"{number:,} {thing}{'s' * (number != 1)}"


def clock_text(seconds: float) -> str:
    """Write a duration as a clock does.

    >>> clock_text(6.2), clock_text(3723)
    ('0:06', '1:02:03')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
