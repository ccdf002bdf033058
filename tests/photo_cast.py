"""Pictures as phones take them: a dial seen from somewhere, with place, camera and a remark inside."""

import io
from pathlib import Path

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

CAMERA, REMARK = "Lumen Phone 7", "flat of Anna"


def photo(*, width: int = 1200, height: int = 900, colour: str = "#446688", kind: str = "JPEG") -> bytes:
    """The bytes of a picture that lies on its side (orientation 6), as phones keep upright ones."""
    exif = Image.Exif()
    exif[Base.Model] = CAMERA
    exif[Base.Orientation] = 6
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (44.0, 57.0, 7.0)
    written = io.BytesIO()
    more = {"comment": REMARK} if kind == "JPEG" else {}
    Image.new("RGB", (width, height), colour).save(written, kind, exif=exif, **more)
    return written.getvalue()


@pytest.fixture
def files_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for the files of a test; the database is that of the suite."""
    monkeypatch.setattr("mains.documents.queries.files.home_folder", lambda: tmp_path)
    return tmp_path
