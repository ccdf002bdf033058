"""Factur-X and ZUGFeRD: the bill's PDF as PDF/A-3 with the invoice in it as CII, and the metadata that say so."""

import re
from datetime import date
from io import BytesIO
from typing import cast

from pypdf import PdfReader
from pypdf.generic import DictionaryObject, IndirectObject, PdfObject, StreamObject

from mains.integrations.einvoice.queries.profiles import CII_PROFILE, write_document
from mains.integrations.einvoice.values.invoice import Invoice
from mains.reporting.queries.bill_paper import Attachment, bill_pdf

FILE_NAME = "factur-x.xml"
_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_PROPERTIES = (
    ("DocumentFileName", "The name of the embedded XML document"),
    ("DocumentType", "The type of the hybrid document in capital letters, such as INVOICE or ORDER"),
    ("Version", "The actual version of the standard applying to the embedded XML document"),
    ("ConformanceLevel", "The conformance level of the embedded XML document"),
)
_VALUES = (FILE_NAME, "INVOICE", "1.0", "EN 16931")
_BAG = b"<pdfaExtension:schemas><rdf:Bag>"


def factur_x_pdf(*, invoice: Invoice, month: date, bill_id: int) -> bytes:
    """The bill as PDF/A-3a with `factur-x.xml` in it, profile EN 16931; the same invoice gives the same bytes.

    Raises UnableToMakeInvoice when the invoice does not conform, UnableToPrintBill when the bill cannot be printed.
    """
    xml = write_document(invoice, profile=CII_PROFILE)
    attachment = Attachment(
        name=FILE_NAME, media_type="text/xml", description="Factur-X", content=xml.decode()
    )
    return _tell_of_it(bill_pdf(month=month, bill_id=bill_id, attachment=attachment))


def _tell_of_it(pdf: bytes) -> bytes:
    """Add to the metadata what PDF/A-3 and Factur-X want, as an update at the end of the file."""
    trailer = PdfReader(BytesIO(pdf)).trailer
    root = cast("DictionaryObject", trailer["/Root"])
    reference = cast("IndirectObject", root.raw_get("/Metadata"))
    packet = _with_factur_x(cast("StreamObject", reference.get_object()).get_data())
    start = re.findall(rb"startxref\s+(\d+)", pdf)[-1]
    kept = b"".join(
        b"%s %s" % (name.encode(), _written(trailer.raw_get(name)))
        for name in ("/Size", "/Root", "/Info", "/ID")
        if name in trailer
    )
    body = (
        b"\n%d 0 obj\n<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n" % (reference.idnum, len(packet))
        + packet
        + b"\nendstream\nendobj\n"
    )
    xref = b"xref\n%d 1\n%010d 00000 n\r\n" % (reference.idnum, len(pdf) + 1)
    end = b"trailer\n<<%s/Prev %s>>\nstartxref\n%d\n%%%%EOF\n" % (kept, start, len(pdf) + len(body))
    return pdf + body + xref + end


def _written(value: PdfObject) -> bytes:
    stream = BytesIO()
    value.write_to_stream(stream)
    return stream.getvalue()


def _with_factur_x(packet: bytes) -> bytes:
    properties = "".join(
        '<rdf:li rdf:parseType="Resource">'
        f"<pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{description}</pdfaProperty:description>"
        f"<pdfaProperty:name>{name}</pdfaProperty:name>"
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType></rdf:li>"
        for name, description in _PROPERTIES
    )
    schema = (
        '<rdf:li rdf:parseType="Resource">'
        "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
        f"<pdfaSchema:namespaceURI>{_NAMESPACE}</pdfaSchema:namespaceURI>"
        "<pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    values = "".join(
        f"<fx:{name}>{value}</fx:{name}>" for (name, _text), value in zip(_PROPERTIES, _VALUES, strict=True)
    )
    description = f'<rdf:Description rdf:about="" xmlns:fx="{_NAMESPACE}">{values}</rdf:Description>'
    assert _BAG in packet, "the typesetter declares its own extension schemas"
    packet = packet.replace(_BAG, _BAG + schema.encode(), 1)
    return packet.replace(b"</rdf:RDF>", description.encode() + b"</rdf:RDF>", 1)
