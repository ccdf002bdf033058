"""Words of the network context: services, kinds of node, and where a premise stands."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Service(models.TextChoices):
    ELECTRICITY = "electricity", _("Electricity")
    COLD_WATER = "cold_water", _("Cold water")
    HOT_WATER = "hot_water", _("Hot water")
    GAS = "gas", _("Gas")
    HEAT = "heat", _("Heat")


FILLED_ATTRIBUTES = frozenset(
    {
        "residents", "rooms", "floor_area_m2", "heated_area_m2", "storey_height_m", "location", "cooker",
        "meter_possible", "absent", "band", "supply_hours_day", "category", "load_class", "metered", "zones",
        "common_use", "export",
    }
)  # fmt: skip
"""What tariffs are told of premises, node states, agreements, meters and balances: no figure of a node is called so."""


class NodeKind(models.TextChoices):
    SOURCE = "source", _("Source")
    SUBSTATION = "substation", _("Substation")
    FEEDER = "feeder", _("Feeder")
    TRANSFORMER = "transformer", _("Transformer")
    BUILDING = "building", _("Building")
    ENTRANCE = "entrance", _("Entrance")
    RISER = "riser", _("Riser")


_NODE_WORDS = {
    ("gas", "source"): _("City gate station"),
    ("gas", "substation"): _("Pressure reduction station"),
    ("gas", "feeder"): _("Gas main"),
    ("gas", "transformer"): _("District regulator"),
    ("heat", "source"): _("Heat plant"),
    ("heat", "substation"): _("Main heat station"),
    ("heat", "feeder"): _("Heat main"),
    ("heat", "transformer"): _("Heat exchange station"),
}


def node_label(kind: str, service: str) -> str:
    """What a kind of node is called in the network of a service."""
    word = _NODE_WORDS.get((service, kind))
    return str(NodeKind(kind).label if word is None else word)


class PremiseKind(models.TextChoices):
    FLAT = "flat", _("Flat")
    HOUSE = "house", _("House")
    SHOP = "shop", _("Shop")
    OFFICE = "office", _("Office")
    WORKSHOP = "workshop", _("Workshop")
    COMMON = "common", _("Common areas")


class IdleReason(models.TextChoices):
    """Why nobody has to pay for a service point that is connected."""

    VACANT = "vacant", _("Vacant")
    SHUT_OFF = "shut_off", _("Shut off")
    ACT = "act", _("By an act")


class Supply(models.TextChoices):
    """Words of the condition `supply`, as tariffs of heat read it."""

    SUPPLIED = "supplied", _("Supplied")
    SUSPENDED = "suspended", _("Suspended")
    NOT_DELIVERED = "not_delivered", _("Not delivered")


class AbsenceReason(models.TextChoices):
    """Why residents are absent for a time."""

    TRAVEL = "travel", _("Travel or holiday")
    WORK = "work", _("Work elsewhere")
    HOSPITAL = "hospital", _("Hospital or sanatorium")
    STUDY = "study", _("Study elsewhere")
    SERVICE = "service", _("Military service")
    OTHER = "other", _("Other")


class Location(models.TextChoices):
    URBAN = "urban", _("Urban")
    RURAL = "rural", _("Rural")


class Cooker(models.TextChoices):
    GAS = "gas", _("Gas cooker")
    ELECTRIC = "electric", _("Electric cooker")
