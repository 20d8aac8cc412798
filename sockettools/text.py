"""Text from the network, made safe to show to a person."""


def visible(text: str, keep: str = "") -> str:
    r"""Write every character that does not print as its escape, so that it cannot act.

    A terminal obeys control characters (a page could clear the screen, or rewrite what stands
    above), and direction marks reorder what a reader sees. Those in ``keep`` stay.

    >>> visible("Zoë \u202e\x1b[2J")
    'Zoë \\u202e\\x1b[2J'
    """
    return "".join(
        char
        if char.isprintable() or char in keep
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
