"""A project that knows nothing of netcrawl, until it has the add-on and its frontier."""

import os

BOT_NAME = "others"
SPIDER_MODULES = ["tests.kill.others.spiders", "tests.kill.others.at_length"]

CONCURRENT_REQUESTS = 8
CONCURRENT_REQUESTS_PER_DOMAIN = 8
DOWNLOAD_DELAY = 0
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
LOG_LEVEL = "INFO"

if os.environ.get("KILL_FRONTIER"):
    ADDONS = {"netcrawl.addon.Netcrawl": 500}
    NETCRAWL_FRONTIER = True
