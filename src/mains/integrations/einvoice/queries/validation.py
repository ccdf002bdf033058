"""The official rules on a document: XML schema, then rule sets (Schematron) from a folder that the utility names.

The folder holds what CEN, OpenPEPPOL, FNFE or a national authority publish, compiled or not; which of it concerns a
document is told by the namespace that it is about.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from mains.integrations.einvoice.queries.schematron import compile_schematron
from mains.kernel.errors import MainsError

_SVRL_NAMESPACE = b"http://purl.oclc.org/dsdl/svrl"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_XSD = "{http://www.w3.org/2001/XMLSchema}"
_MAX_BYTES = 50_000_000


class UnableToValidate(MainsError):
    """The document cannot be read, or the folder has no rules for it."""


@dataclass(frozen=True)
class Finding:
    """A rule that the document breaks. `severity` is fatal or warning, `place` an XPath or a line."""

    rule: str
    severity: str
    place: str
    text: str

    @property
    def is_fatal(self) -> bool:
        return self.severity != "warning"


@dataclass(frozen=True)
class Validation:
    """What was checked and what was found; `schemas` and `rule_sets` are the files of the folder that were applied."""

    schemas: tuple[str, ...]
    rule_sets: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_valid(self) -> bool:
        return not any(finding.is_fatal for finding in self.findings)


def validate_document(content: bytes, *, rules: Path, name: str = "document") -> Validation:
    """Hold a document against every schema and rule set of the folder that is about its kind.

    Rule sets are not run on what the schema refuses. Raises UnableToValidate.
    """
    tree = _parse(content, name)
    kind = etree.QName(tree.getroot())
    schemas = sorted(_schemas(rules, kind))
    rule_sets = sorted(_rule_sets(rules, kind))
    if not schemas and not rule_sets:
        raise UnableToValidate(
            code="no-rules",
            message=f"There is no schema and no rule set for {kind.localname} in the folder.",
            place=str(rules),
            remedy="Put the published files there: the .xsd of the document and the rule sets (.xsl, .xslt or .sch).",
        )
    findings = [finding for schema in schemas for finding in _by_schema(tree, schema)]
    if not findings and rule_sets:
        findings = list(_by_rules(content, rule_sets))
    return Validation(
        schemas=tuple(str(path.relative_to(rules)) for path in schemas),
        rule_sets=tuple(str(path.relative_to(rules)) for path in rule_sets),
        findings=tuple(findings),
    )


def _parse(content: bytes, name: str) -> "etree._ElementTree":
    if len(content) > _MAX_BYTES:
        raise _unreadable(name, "It is larger than 50 MB.")
    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        tree = etree.ElementTree(etree.fromstring(content, parser))
    except etree.XMLSyntaxError as error:
        raise _unreadable(name, str(error)) from error
    if tree.docinfo.internalDTD is not None:
        raise _unreadable(name, "It has a document type definition, which invoices may not have.")
    return tree


def _unreadable(name: str, reason: str) -> UnableToValidate:
    return UnableToValidate(
        code="document-unreadable",
        message=f"This is not a readable XML document: {reason}",
        place=name,
        remedy="Take the file as it was written, before a mail program or an editor changed it.",
    )


def _schemas(rules: Path, kind: etree.QName) -> Iterator[Path]:
    """Schemas that declare the document's root element."""
    for path in rules.rglob("*.xsd"):
        head = path.read_bytes()
        if f'"{kind.namespace}"'.encode() in head and f'name="{kind.localname}"'.encode() in head:
            root = etree.fromstring(head)
            declared = {element.get("name") for element in root.iterchildren(f"{_XSD}element")}
            if root.get("targetNamespace") == kind.namespace and kind.localname in declared:
                yield path


def _rule_sets(rules: Path, kind: etree.QName) -> Iterator[Path]:
    """Stylesheets that make validation reports (SVRL) of documents with the root's namespace."""
    namespace = str(kind.namespace).encode()
    for path in rules.rglob("*.xsl*"):
        text = path.read_bytes()
        if _SVRL_NAMESPACE in text[:20_000] and namespace in text:
            yield path
    for path in rules.rglob("*.sch"):
        if path.with_suffix(".xslt").exists() or path.with_suffix(".xsl").exists():
            continue  # it is there compiled too
        if namespace in path.read_bytes():
            yield path


def _by_schema(tree: "etree._ElementTree", path: Path) -> Iterator[Finding]:
    schema = etree.XMLSchema(etree.parse(path))
    if not schema.validate(tree):
        for entry in list(schema.error_log):
            yield Finding("XSD", "fatal", f"line {entry.line}", entry.message)


def _by_rules(content: bytes, rule_sets: Sequence[Path]) -> Iterator[Finding]:
    try:
        from saxonche import PySaxonProcessor
    except ImportError as error:
        raise UnableToValidate(
            code="no-saxon",
            message="The rule sets are XSLT 2, for which the package saxonche is needed.",
            place=rule_sets[0].name,
            remedy="Install it: `pip install mains[einvoice]`.",
        ) from error
    with PySaxonProcessor(license=False) as processor:
        document = processor.parse_xml(xml_text=content.decode("utf-8-sig"))
        for path in rule_sets:
            xslt = processor.new_xslt30_processor()
            stylesheet = (
                xslt.compile_stylesheet(stylesheet_text=compile_schematron(path).decode())
                if path.suffix == ".sch"
                else xslt.compile_stylesheet(stylesheet_file=str(path))
            )
            report = stylesheet.transform_to_string(xdm_node=document)
            yield from _findings(report)


def _findings(report: str) -> Iterator[Finding]:
    root = etree.fromstring(report.encode())
    for name in ("failed-assert", "successful-report"):
        for found in root.iter(f"{_SVRL}{name}"):
            text = " ".join("".join(str(part) for part in found.itertext()).split())
            severity = found.get("flag") or found.get("role") or "fatal"
            yield Finding(
                found.get("id") or found.get("test") or "",
                "warning" if severity.lower() in ("warning", "information", "info") else "fatal",
                found.get("location") or "",
                text,
            )
