"""What every test can rely on, however the tests were started."""

import signal

from hypothesis import HealthCheck, settings

# A job in a shell's background ignores Ctrl-C, one under nohup that its terminal is closed, and so
# would every command that a test ends like that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# How long an example takes says more of what else the machine does.
settings.register_profile(
    "shared machine",
    settings.default,
    deadline=None,
    suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.too_slow],
)
settings.load_profile("shared machine")
