"""Messages of the archive; a part of `known_messages`."""

from django.utils.translation import gettext_noop as _

DOCUMENTS = (
    _("This is neither a picture nor a PDF nor plain text."),
    _("Save it as PDF. Web pages, drawings with markup and packed files are not kept."),
    _("A title has 1 to {count} characters."),
    _("Say what the document is."),
    _("There is no such kind of documents."),
    _("Choose one of the list."),
    _("The date of the document lies in another age."),
    _("Check the year."),
    _("A reason has 1 to {count} characters."),
    _("Say why, in a few words."),
    _("The link is withdrawn already."),
    _("Look at the document anew."),
    _("The document is on hold already."),
    _("Lift that hold first."),
    _("The document is not on hold."),
    _("The document is disposed of."),
    _("Send the file again if you have it."),
)
