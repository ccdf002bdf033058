"""Entry point of WSGI servers."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.urls import get_resolver

from mains.config.calls_out import watch_calls_out

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")

# Threads that answer requests share a pool: a new connection would cost each request a new server process. It is made
# here and not in the settings, because the process that starts the servers has read those already, and they are its
# copies. MAINS_POOL_SIZE times the number of server processes stays below the server's max_connections (60 when
# embedded).
if _pool_size := int(os.environ.get("MAINS_POOL_SIZE", "0")):
    connections.databases["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": _pool_size,
        "timeout": 5,
    }

application = get_wsgi_application()
watch_calls_out()

# What the pages import stays for ever: a full collection over it would hold a request up for 0.1 s.
_ = get_resolver().url_patterns
gc.collect()
gc.freeze()
