"""Install the built wheel in an empty environment and try it there.

Usage: check_wheel.py FOLDER. Run by `make wheel` with the interpreter of the project's environment, whose uv
it uses.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


def main(folder: Path) -> int:
    wheel = max(folder.glob("mains-*.whl"), key=lambda path: path.stat().st_mtime)
    _check_contents(wheel)
    with tempfile.TemporaryDirectory(prefix="mains-wheel-") as place:
        # Others pass through: the database's service user must reach the programs when root runs this.
        Path(place).chmod(0o711)
        environment = Path(place) / "venv"
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
        python = environment / "bin" / "python"
        requirements = Path(__file__).parents[1] / "requirements" / "base.txt"
        install = [uv, "pip", "install", "--quiet", "--python", python]
        subprocess.run([*install, "--require-hashes", "-r", requirements], check=True)
        # The wheel's own list of dependencies must be satisfied by what is pinned.
        subprocess.run([*install, "--offline", wheel], check=True)
        _try(environment / "bin" / "mains", home=Path(place) / "home")
    print(f"{wheel} works in an empty environment.")
    return 0


def _check_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    needed = {
        "the built front end": any(name.startswith("mains/web/static/dist/") for name in names),
        "the page templates": any(name.endswith("office/base.html") for name in names),
        "compiled translations": any(name.endswith(".mo") for name in names),
    }
    missing = [what for what, found in needed.items() if not found]
    if missing:
        sys.exit(f"{wheel} lacks {', '.join(missing)}. Run `make setup` first.")
    stray = [name for name in names if "node_modules" in name or name.endswith("config/testing.py")]
    if stray:
        sys.exit(f"{wheel} holds files that do not belong there: {stray[:5]}")


def _try(mains: Path, *, home: Path) -> None:
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("MAINS_", "DATABASE_"))
    }
    environment["MAINS_HOME"] = str(home)
    try:
        for arguments in (["--version"], ["migrate"], ["doctor"]):
            subprocess.run([mains, *arguments], check=True, env=environment, cwd="/")
    finally:
        subprocess.run([mains, "db", "stop"], check=False, env=environment, cwd="/")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
