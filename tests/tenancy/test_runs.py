"""The sync ledger, and the fence it is: at most one run of a step can write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from inventory.models import Team
from tenancy import runs, scope
from tenancy.models import InstallationRun, Outcome, Run
from tenancy.runs import Busy, Contention, Superseded
from tests.world import NOW, World

STEP = "try"


def _latest(world: World, subject: str | None = None) -> Run:
    with scope.of(world.contoso.ref):
        found = runs.latest(STEP, subject=subject)
    assert found is not None
    return found


def _run(world: World, contention: Contention = Contention.GIVE_WAY, subject: str = "") -> Any:
    return runs.of_tenant(world.contoso.ref, STEP, subject, contention=contention)


def test_a_run_leaves_what_it_did(committed_world: World) -> None:
    with _run(committed_world, subject="gateway") as run:
        run.window(NOW - timedelta(hours=1), NOW)
        run.count(read=7, written=3)
        run.count(written=2)
        run.note(pages=4)
        assert _latest(committed_world).outcome == Outcome.RUNNING
    row = _latest(committed_world, "gateway")
    assert (row.outcome, row.rows_read, row.rows_written) == (Outcome.SUCCEEDED, 7, 5)
    assert (row.window_end, row.detail, row.error) == (NOW, {"pages": 4}, "")
    assert row.finished_at is not None


def test_a_run_that_fails_says_why(committed_world: World) -> None:
    with pytest.raises(ZeroDivisionError), _run(committed_world) as run:
        run.count(read=1 // run.row.rows_read)
    row = _latest(committed_world)
    assert (row.outcome, row.error_code) == (Outcome.FAILED, "ZeroDivisionError")
    assert "zero" in row.error


def test_a_second_run_gives_way(committed_world: World) -> None:
    with (
        _run(committed_world),
        pytest.raises(Busy, match="try  is already running since"),
        _run(committed_world),
    ):
        pass
    with scope.of(committed_world.contoso.ref):
        assert Run.objects.filter(step=STEP).count() == 1


def test_runs_of_other_subjects_and_tenants_are_not_in_the_way(committed_world: World) -> None:
    with (
        _run(committed_world, subject="one"),
        _run(committed_world, subject="two"),
        runs.of_tenant(
            committed_world.fabrikam.ref, STEP, "one", contention=Contention.GIVE_WAY
        ) as third,
    ):
        assert third.row.outcome == Outcome.RUNNING


def test_who_was_overtaken_writes_nothing_more(committed_world: World) -> None:
    with pytest.raises(Superseded), _run(committed_world) as older:
        _overtake(committed_world, older)
    with scope.of(committed_world.contoso.ref):
        assert set(Team.objects.values_list("name", flat=True)) == {"by the newer"}
        states = list(Run.objects.filter(step=STEP).order_by("id"))
    assert [row.outcome for row in states] == [Outcome.SUPERSEDED, Outcome.FAILED]


def _overtake(world: World, older: runs.Recorded) -> None:
    _write(world, older, "by the older")
    with _run(world, Contention.TAKE_OVER) as newer:
        _write(world, newer, "by the newer")
        _write(world, older, "too late")


def _write(world: World, run: runs.Recorded, name: str) -> None:
    with scope.of(world.contoso.ref):
        run.hold()
        Team.objects.update(name=name)


def test_a_silent_run_is_taken_over(committed_world: World) -> None:
    with _run(committed_world) as silent:
        with scope.of(committed_world.contoso.ref):
            long_ago = silent.row.beat_at - runs.SILENCE - timedelta(seconds=1)
            Run.objects.filter(pk=silent.row.pk).update(beat_at=long_ago)
        with _run(committed_world):
            pass
    with scope.of(committed_world.contoso.ref):
        states = Run.objects.filter(step=STEP).order_by("id").values_list("outcome", flat=True)
        assert list(states) == [Outcome.SUPERSEDED, Outcome.SUCCEEDED]


def test_a_beat_keeps_a_long_run(committed_world: World) -> None:
    with _run(committed_world) as run:
        with scope.of(committed_world.contoso.ref):
            long_ago = run.row.beat_at - runs.SILENCE - timedelta(seconds=1)
            Run.objects.filter(pk=run.row.pk).update(beat_at=long_ago)
            run.hold()
        with pytest.raises(Busy), _run(committed_world):
            pass


def test_the_installations_runs_are_fenced_alike(committed: None) -> None:
    with runs.of_installation(STEP, contention=Contention.GIVE_WAY) as run:
        run.count(read=2)
        with pytest.raises(Busy), runs.of_installation(STEP, contention=Contention.GIVE_WAY):
            pass
    row = InstallationRun.objects.get(step=STEP)
    assert (row.outcome, row.rows_read) == (Outcome.SUCCEEDED, 2)


def test_what_killed_the_process_is_recorded_too(committed_world: World) -> None:
    with pytest.raises(KeyboardInterrupt), _run(committed_world):
        raise KeyboardInterrupt
    assert _latest(committed_world).outcome == Outcome.FAILED
