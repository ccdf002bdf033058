"""Dependencies of the built package: read from requirements/base.in, so that they are listed once."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class BaseRequirements(MetadataHookInterface):
    """Fills `project.dependencies` from requirements/base.in."""

    def update(self, metadata: dict[str, object]) -> None:
        text = Path(self.root, "requirements", "base.in").read_text(encoding="utf-8")
        lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
        metadata["dependencies"] = [line for line in lines if line]
