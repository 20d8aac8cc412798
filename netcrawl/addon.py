"""The parts of netcrawl for any Scrapy project: ``ADDONS = {"netcrawl.addon.Netcrawl": 500}``.

What a project, a spider or a command line has set, wins: a component of Scrapy's that is switched
off or replaced there stays so, and one that was moved is replaced where it is.
"""

from __future__ import annotations

import difflib
import logging
from typing import TYPE_CHECKING

from scrapy.exceptions import UsageError
from scrapy.utils.misc import load_object
from scrapy.utils.python import global_object_name

from netcrawl.number_settings import check_numbers
from netcrawl.parts import NAMED, ORDERED, PARTS

if TYPE_CHECKING:
    from typing import Any

    from scrapy.settings import BaseSettings

    from netcrawl.parts import Part

logger = logging.getLogger(__name__)

_ASYNCIO_REACTOR = "twisted.internet.asyncioreactor.AsyncioSelectorReactor"
_SWITCHES = tuple(part.setting for part in PARTS)
_PREFIX = "NETCRAWL_"


class Netcrawl:
    """Brings the parts of ``netcrawl.parts`` that are switched on."""

    @classmethod
    def update_pre_crawler_settings(cls, settings: BaseSettings) -> None:
        """End the program with one line where one of our settings cannot be meant."""
        chosen_parts(settings)
        _check_numbers(settings)

    def update_settings(self, settings: BaseSettings) -> None:
        """Bring each part that is on."""
        _check_numbers(settings)
        for part in chosen_parts(settings):
            if part.needs_asyncio and not _has_asyncio(settings):
                logger.info("%s is off: it needs asyncio (TWISTED_REACTOR)", part.setting)
                continue
            for setting in ORDERED:
                _put_in_order(settings, setting, part)
            for setting in NAMED:
                _put_under_names(settings, setting, part)
            for name, value in part.values.items():
                # Not over what a command has for itself either.
                if not settings.getpriority(name):
                    settings.set(name, value, priority="addon")


def chosen_parts(settings: BaseSettings) -> list[Part]:
    """Return the parts that are on.

    Raises:
        SystemExit: one of our settings has a value that is neither true nor false, or a name that
            is none; the text says which. Scrapy shows anything else as a traceback.
    """
    for name in settings:
        if isinstance(name, str) and name.startswith(_PREFIX) and name not in _SWITCHES:
            near = difflib.get_close_matches(name, _SWITCHES, n=1, cutoff=0.8)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise SystemExit(f"netcrawl: there is no setting {name}{meant}")
    chosen = []
    for part in PARTS:
        try:
            is_on = settings.getbool(part.setting, part.default)
        except ValueError:
            raise SystemExit(
                f"netcrawl: {part.setting} is {settings[part.setting]!r}: it can be True or False"
            ) from None
        if is_on:
            chosen.append(part)
    return chosen


def _check_numbers(settings: BaseSettings) -> None:
    try:
        check_numbers(settings)
    except UsageError as exc:
        raise SystemExit(f"netcrawl: {exc}") from None


def _has_asyncio(settings: BaseSettings) -> bool:
    return (
        not settings.getbool("TWISTED_REACTOR_ENABLED")
        or settings["TWISTED_REACTOR"] == _ASYNCIO_REACTOR
    )


def _put_in_order(settings: BaseSettings, setting: str, part: Part) -> None:
    replaced, added = part.replaced.get(setting, {}), part.added.get(setting, {})
    if not replaced and not added:
        return
    components: dict[Any, Any] = settings.getdict(setting)
    base: dict[Any, Any] = settings.getdict(f"{setting}_BASE")
    for old, new in replaced.items():
        key = _key_of(old, components)
        order = base.get(old) if key is None else components[key]
        if order is None or (new is not None and _key_of(new, components) is not None):
            continue
        components[old if key is None else key] = None
        if new is not None:
            components[new] = order
    for new, order in added.items():
        if _key_of(new, components) is None:
            components[new] = order
    # As Scrapy's own helpers for this have it: the setting's priority is what it was.
    settings.set(setting, components, settings.getpriority(setting) or 0)


def _put_under_names(settings: BaseSettings, setting: str, part: Part) -> None:
    named = part.named.get(setting)
    if named:
        components = {**named, **settings.getdict(setting)}
        settings.set(setting, components, settings.getpriority(setting) or 0)


def _key_of(path: str, components: dict[Any, Any]) -> Any:
    """Return the key that a component has, as a class or under whatever path; None for none."""
    if path in components:
        return path
    name = path.rpartition(".")[2]
    for key in components:
        # What is called otherwise is something else, and is not imported to find out.
        if isinstance(key, str) and key.rpartition(".")[2] != name:
            continue
        if global_object_name(load_object(key)) == path:
            return key
    return None
