"""The signing key: from the environment, else generated once and kept in MAINS_HOME."""

import os
import secrets

from mains.base.places import home_folder, private_folder


def secret_key() -> str:
    """MAINS_SECRET_KEY, else what `<MAINS_HOME>/secret_key` holds, created with mode 0600 on first use."""
    named = os.environ.get("MAINS_SECRET_KEY")
    if named:
        return named
    path = home_folder() / "secret_key"
    if not path.exists():
        private_folder(path.parent)
        draft = path.with_name(f"secret_key.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            # A link, unlike a rename, refuses to replace the key that another process has just made.
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()
