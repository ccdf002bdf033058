"""Each import contract passes on the code as it is and fails on a planted violation of it."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PLANTS = {
    "upward": ("column", "ledger/queries/planted.py", "import mains.billing.queries"),
    "sideways": ("column", "payments/queries/planted.py", "import mains.billing.queries"),
    "into the command line": ("column", "web/office/planted.py", "import mains.config.start"),
    "engine on base": ("column", "engine/planted.py", "import mains.base.clock"),
    "unplaced package": ("column", "weather/__init__.py", ""),
    "values on tables": ("anatomy", "billing/values.py", "import mains.billing.models"),
    "reads on writes": ("anatomy", "billing/queries/planted.py", "import mains.billing.actions"),
    "unknown file": ("anatomy", "billing/helpers.py", ""),
    "tables of another context": (
        "doors-metering",
        "billing/queries/planted.py",
        "import mains.metering.models",
    ),
    "tables behind a page": ("doors-billing", "web/office/planted.py", "import mains.billing.models"),
    "Django in the engine": ("purity", "engine/planted.py", "import django.db"),
    "a driver in the kernel": ("purity", "kernel/planted.py", "import psycopg"),
    "shared interpreter": ("interpreters", "engine/exact/planted.py", "import mains.engine.columns"),
    "shared the other way": ("interpreters", "engine/columns/planted.py", "import mains.engine.exact"),
    "another audience": ("audiences", "web/office/planted.py", "import mains.web.portal"),
    "a cycle": ("acyclic", "kernel/errors.py", "import mains.engine"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the Python sources with their contracts."""
    repository = Path(__file__).resolve().parents[2]
    root = tmp_path_factory.mktemp("tree")
    keep_python = shutil.ignore_patterns("__pycache__", "static", "locale", "templates")
    shutil.copytree(repository / "src" / "mains", root / "mains", ignore=keep_python)
    shutil.copy(repository / ".importlinter", root)
    return root


def lint(root: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    options = [option for contract in contracts for option in ("--contract", contract)]
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", *options],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_code_keeps_every_contract(tree: Path) -> None:
    finished = lint(tree)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("plant", PLANTS)
def test_a_planted_violation_breaks_its_contract(tree: Path, plant: str) -> None:
    contract, file, line = PLANTS[plant]
    path = tree / "mains" / file
    before = path.read_text(encoding="utf-8") if path.exists() else None
    portal = tree / "mains" / "web" / "portal"
    portal.mkdir()
    (portal / "__init__.py").touch()
    path.parent.mkdir(exist_ok=True)
    path.write_text((before or "") + f"\n{line}\n", encoding="utf-8")
    try:
        finished = lint(tree, contract)
    finally:
        shutil.rmtree(portal)
        if before is not None:
            path.write_text(before, encoding="utf-8")
        elif path.name == "__init__.py":
            shutil.rmtree(path.parent)
        else:
            path.unlink()
    assert finished.returncode == 1, finished.stdout + finished.stderr
    assert "BROKEN" in finished.stdout or "Missing layers" in finished.stdout, (
        finished.stdout + finished.stderr
    )


def test_every_context_has_its_doors_guarded(tree: Path) -> None:
    contracts = configparser.ConfigParser()
    contracts.read(tree / ".importlinter", encoding="utf-8")
    found = [*(tree / "mains").glob("*/apps.py"), *(tree / "mains/integrations").glob("*/apps.py")]
    contexts = {path.parent.name for path in found} - {"base"}
    guarded = {
        name.removeprefix("importlinter:contract:doors-")
        for name in contracts.sections()
        if name.startswith("importlinter:contract:doors-")
    }
    assert guarded == contexts
