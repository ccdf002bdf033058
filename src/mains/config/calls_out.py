"""Which hosts this installation calls."""

import os

from mains.base.address import database_address
from mains.base.outbound import allow_hosts, host_of
from mains.config.oidc import oidc_providers
from mains.integrations.payment_providers.transport import provider_hosts


def watch_calls_out() -> None:
    """Let this process call only providers of payments, the single sign-on, a database elsewhere, and the hosts of
    MAINS_OUTBOUND_HOSTS."""
    hosts = [*os.environ.get("MAINS_OUTBOUND_HOSTS", "").split(","), *provider_hosts()]
    hosts += [host_of(app["settings"]["server_url"]) for app in oidc_providers(os.environ)]
    host = database_address().host
    allow_hosts([*hosts, *([] if host.startswith("/") else [host])])
