"""Who may import whom, and that the contracts would notice."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FLOORS = ("portal", "governance", "billing", "inventory", "tenancy", "connectors", "simulator")
LINTER = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the code and its contracts, to break."""
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    for floor in FLOORS:
        shutil.copytree(
            CHECKOUT / floor, tmp_path / floor, ignore=shutil.ignore_patterns("data", "__pycache__")
        )
    return tmp_path


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LINTER, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_import_contracts_are_kept() -> None:
    done = _lint(CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("tenancy/periods.py", "import billing", "imports go down the floors only"),
        ("tenancy/money.py", "import django", "pure code knows no database"),
        ("billing/apps.py", "import inventory.admin", "doors are opened by the portal alone"),
    ],
)
def test_a_planted_breach_is_noticed(house: Path, module: str, line: str, contract: str) -> None:
    with (house / module).open("a") as text:
        text.write(f"\n{line}\n")
    done = _lint(house)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [line for line in done.stdout.splitlines() if line.endswith(" BROKEN")]
    assert any(line.startswith(contract) for line in broken), done.stdout
