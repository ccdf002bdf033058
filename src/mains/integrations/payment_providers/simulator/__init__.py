"""Providers that behave badly on purpose, for tests, demonstrations and benchmarks: nothing here moves money."""

from mains.integrations.payment_providers.simulator.dialects import (
    AlipayDialect,
    Dialect,
    RedirectDialect,
    WeChatDialect,
)
from mains.integrations.payment_providers.simulator.orders import SimulatedOrder, SimulatedOrders
from mains.integrations.payment_providers.simulator.server import serve_simulator

__all__ = [
    "AlipayDialect",
    "Dialect",
    "RedirectDialect",
    "SimulatedOrder",
    "SimulatedOrders",
    "WeChatDialect",
    "serve_simulator",
]
