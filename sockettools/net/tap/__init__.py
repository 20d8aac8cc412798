"""A tap: a relay between clients and a server that shows, and can spoil, what they say.

One thread serves every connection, with a selector; only connecting to the target, which may wait
for a name server, has threads of its own. Both ways of a connection are alike: bytes are taken
from a source, stay for as long as the impairments say, and are given to a sink. While a sink does
not take what is there, nothing more is taken from its source, so that the source has to wait as
if it were connected to the sink itself.

What ends stays in line behind the bytes before it. The end of one way is passed on as a half-close,
and the other way goes on. A reset is passed on as a reset, once the bytes before it have arrived.
A Unix socket knows no reset: its peer sees the end instead.
"""

from sockettools.net.tap.impairments import Impairments
from sockettools.net.tap.limits import Limits
from sockettools.net.tap.tap import Tap

__all__ = ["Impairments", "Limits", "Tap"]
