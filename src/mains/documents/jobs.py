"""What workers do for the archive."""

from mains.base.jobs import jobs
from mains.documents.actions.words import read_document_text


@jobs.task(name="mains.documents.jobs.read_text")
def read_text(document_id: int) -> None:
    """Read the text of a document, so that it is found by it; done twice it is the same."""
    read_document_text(document_id=document_id)
