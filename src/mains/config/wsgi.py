"""Entry point of WSGI servers."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from mains.config.calls_out import watch_calls_out

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mains.config.settings")

application = get_wsgi_application()
watch_calls_out()

# What the pages import stays for ever: a full collection over it would hold a request up for 0.1 s.
_ = get_resolver().url_patterns
gc.collect()
gc.freeze()
