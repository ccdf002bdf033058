"""Store the utility's own sentences for its documents."""

from collections.abc import Mapping

from mains.reporting.models import DocumentText


def store_document_texts(*, texts: Mapping[str, Mapping[str, str]]) -> None:
    """Store texts by name and language code; those that are there already are replaced."""
    DocumentText.objects.bulk_create(
        [
            DocumentText(name=name, language=language, text=text)
            for name, wordings in texts.items()
            for language, text in wordings.items()
        ],
        update_conflicts=True,
        update_fields=["text"],
        unique_fields=["name", "language"],
    )
