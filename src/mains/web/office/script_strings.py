"""Texts that scripts show or say. They live here so that gettext stays the only catalogue."""

from django.utils.translation import gettext_lazy as _

SCRIPT_STRINGS = {
    "updated": _("Updated"),
    "theme_auto": _("Colours of the device"),
    "theme_light": _("Light colours"),
    "theme_dark": _("Dark colours"),
    "search_none": _("Nothing found"),
    # Translators: read aloud after a search; a form without a plural, as scripts cannot choose one.
    "search_some": _("Results: %(count)s"),
    "shortcuts_on": _("Single-key shortcuts are on"),
    "shortcuts_off": _("Single-key shortcuts are off"),
    "network_error": _("The server could not be reached. Check the connection and try again."),
    "server_error": _("That did not work, and nothing was half-stored. Try again in a minute."),
    "not_allowed": _(
        "Your role does not include this, or the form is no longer valid. Reload the page and try again."
    ),
    "picture_failed": _("This browser could not draw the picture. The table shows the same figures."),
    "zoom_in": _("Zoom in"),
    "zoom_out": _("Zoom out"),
    "map_gesture": _("Hold Ctrl and scroll to zoom the map"),
    "map_gesture_mac": _("Hold ⌘ and scroll to zoom the map"),
    "map_gesture_touch": _("Use two fingers to move the map"),
    "upload_too_large": _("The file is larger than %(size)s MB. Make it smaller, or scan with fewer dots."),
    "upload_some": _("Kept: %(kept)s of %(count)s files. The list says why the others were refused."),
    "leave_editor": _("Escape, then Tab leaves the editor."),
    "draft_not_restored": _("The kept text could not be brought back. It stays in this browser."),
}
