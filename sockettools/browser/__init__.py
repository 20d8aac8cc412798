"""A browser on bare sockets: connections, redirects, cookies, codings, proxies."""

from sockettools.browser.browser import Browser
from sockettools.browser.options import Options
from sockettools.browser.proxy import Proxies
from sockettools.browser.request import Request
from sockettools.browser.response import Response

__all__ = ["Browser", "Options", "Proxies", "Request", "Response"]
