"""Waiting for what processes do, with a bound."""

import time
from collections.abc import Callable

import psutil


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether ``holds`` becomes true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pid: int) -> bool:
    """Whether there is no such process, or only its unread exit code."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
