"""Folders and small programs for starting and ending things."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal import children


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any account may enter, unlike those that pytest makes."""
    folder = Path(tempfile.mkdtemp(prefix="apportion-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., children.Child]:
    """Starts a Python program; its log is its output."""

    def start(text: str, *, name: str = "sample") -> children.Child:
        return children.start([sys.executable, "-c", text], name=name, log=tmp_path / f"{name}.log")

    return start
