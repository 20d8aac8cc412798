"""The text of a page that a reader sees, as far as the markup alone can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from lxml.etree import _Element

# Not shown, and nothing in their place: section 15.3.1 of the HTML Standard, where scripts run, and
# the TeX that formulas carry along (MathML Core, appendix A).
_NOT_SHOWN = frozenset(
    """
    annotation annotation-xml datalist head noembed noframes noscript rp script style template title
    """.split()  # noqa: SIM905 - shorter than a list
)

# Shown as something else than their text, which is for browsers that do not know them.
_REPLACED = frozenset({"audio", "canvas", "iframe", "video"})

# In a line with what stands around them: a word goes on through these. Everything else is a box of
# its own, or looks like one.
_INLINE = frozenset(
    """
    a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr rb ruby s
    samp small span strike strong sub sup time tt u var wbr
    """.split()  # noqa: SIM905 - shorter than a list
)


# On most pages, no element has to be looked at for that. As a predicate of each element, the same
# takes four times as long.
_HAS_HIDDEN = etree.XPath("boolean(descendant-or-self::*/@hidden)")


def visible_text(root: _Element) -> str:
    r"""Return the text of a tree of HTML, with a line break wherever a word cannot go on.

    Attributes are no text. Of the ways to hide an element, ``hidden`` counts, on a ``<dialog>`` the
    lack of ``open``, and no style sheet; ``aria-hidden`` hides nothing from the eye.

    >>> visible_text(etree.HTML("<p><b>w</b>ord<br>a<script>b</script><ul><li>c<li>d</ul>")).split()
    ['word', 'a', 'c', 'd']
    """
    # What stands behind </html> is beside the root.
    return "".join(_text_of(root) + [text for s in root.itersiblings() for text in _text_of(s)])


def _text_of(root: _Element) -> list[str]:
    parts: list[str] = []
    has_hidden = _HAS_HIDDEN(root) or next(root.iter("dialog"), None) is not None
    skipped: _Element | None = None
    # Recursion would end at the nesting that a hostile page has; XSLT, three times as fast, takes
    # the square of the time on a page of many siblings.
    walk = etree.iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        tag = element.tag
        if event == "start":
            if tag in _NOT_SHOWN or (has_hidden and _is_hidden(element)):
                skipped = element
                walk.skip_subtree()
                continue
            if tag not in _INLINE:
                parts.append("\n")
                if tag in _REPLACED:
                    walk.skip_subtree()
                    continue
            if text := element.text:
                parts.append(text)
            continue
        if event == "end":
            if element is skipped:
                skipped = None
            elif tag not in _INLINE:
                parts.append("\n")
        if text := element.tail:
            parts.append(text)
    return parts


def _is_hidden(element: _Element) -> bool:
    return element.get("hidden") is not None or (
        element.tag == "dialog" and element.get("open") is None
    )
