"""Who decides: what a request's version needs, who has approved, and who may decide on it now.

A person decides as themself or for somebody absent; as the owner of the cost center, first, or as
one of a group. Nobody decides on their own request, nor for a team they own unless the policies
say so. Roles and groups are read as they are at that moment.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance import roles
from governance.approvers import delegations
from governance.models import (
    UNDECIDED,
    Approval,
    ApprovalNeed,
    GroupMember,
    QuotaRequest,
    RequestState,
    Whose,
)
from inventory.models import Part, TeamMember
from tenancy import access
from tenancy.access import Actor
from tenancy.models import Membership, Role
from tenancy.refusals import Refused


class AlreadyDecided(Refused):
    code = "already-decided"
    text = "Request {number} is {state} already; it cannot be {wanted}."


class OwnRequest(Refused):
    code = "own-request"
    status = 403
    text = "Nobody decides on their own request. Another approver has to."


class OwnTeam(Refused):
    code = "own-team"
    status = 403
    text = "You own the team {team}, and no policy lets its owners decide for it."


class OwnerFirst(Refused):
    code = "owner-first"
    text = "The owner of cost center {center} decides first on request {number}."


class NotYourDecision(Refused):
    code = "not-your-decision"
    status = 403
    text = "Request {number} is for others to decide: {who}."


@dataclass(frozen=True, slots=True)
class MayDecide:
    """Whether somebody may decide on a request now, and as what.

    ``whose`` tells as what where they may. ``on_behalf_of``: the id of the absent person they stand
    in for. ``refusal``: why not.
    """

    whose: Whose = Whose.GROUP
    on_behalf_of: int | None = None
    refusal: Refused | None = None

    @property
    def allowed(self) -> bool:
        return self.refusal is None

    @property
    def why_not(self) -> str:
        return str(self.refusal) if self.refusal else ""


@dataclass(frozen=True, slots=True)
class Progress:
    """One need of a request's present version, who has approved, and how many are missing."""

    need: ApprovalNeed
    given: tuple[Approval, ...]
    missing: int


def may_decide(actor: Actor, request: QuotaRequest, *, at: datetime) -> MayDecide:
    """Whether somebody may decide on a request's present version now, and as what.

    Their role is read anew: what was taken from them since they came counts at once.
    """
    if request.requested_by_id == actor.person_id:
        return MayDecide(refusal=OwnRequest())
    if request.state not in UNDECIDED:
        state = request.get_state_display()
        refusal = AlreadyDecided(number=request.number, state=state, wanted="decided on")
        return MayDecide(refusal=refusal)
    role = roles.role_now(actor.person_id)
    return _as_what(_Chair.of(actor, role, request, at=at), request)


def waiting_for(actor: Actor, *, at: datetime) -> tuple[QuotaRequest, ...]:
    """The submitted requests that the actor may decide on now, those that run out first before."""
    rows = access.many(QuotaRequest, actor).filter(state=RequestState.SUBMITTED)
    rows = rows.exclude(requested_by_id=actor.person_id)
    chairs = _Chair.of_many(actor, rows, at=at)
    found = [row for row, chair in chairs if _as_what(chair, row).allowed]
    return tuple(sorted(found, key=_urgency))


def progress(request: QuotaRequest) -> tuple[Progress, ...]:
    """What the present version needs, who has approved, and how many are missing, in order."""
    needs, given = _needs([request.pk]), _given([request.pk])
    current = [need for need in needs if need.version == request.version]
    mine = [one for one in given if one.version == request.version]
    members = _members(current)
    return tuple(_progress(need, mine, members) for need in current)


@dataclass(frozen=True, slots=True)
class _Chair:
    """Where somebody sits towards one request: all that says whether they may decide.

    ``principals``: their own id and those they stand in for. ``groups``: by group id, which of
    these are in it.
    """

    person_id: int
    role: Role | None
    principals: tuple[int, ...]
    approvers: frozenset[int]
    groups: dict[int, frozenset[int]]
    owns_team: frozenset[int]
    center_owner: int | None
    center: str
    progress: tuple[Progress, ...]

    @classmethod
    def of(cls, actor: Actor, role: Role | None, request: QuotaRequest, *, at: datetime) -> _Chair:
        ((_, chair),) = cls._made(actor, role, [request], at=at)
        return chair

    @classmethod
    def of_many(
        cls, actor: Actor, requests: Any, *, at: datetime
    ) -> list[tuple[QuotaRequest, _Chair]]:
        rows = list(
            requests.select_related(
                "team__cost_center", "subscription__gateway", "product", "requested_by"
            )
        )
        return cls._made(actor, roles.role_now(actor.person_id), rows, at=at)

    @classmethod
    def _made(
        cls, actor: Actor, role: Role | None, rows: Sequence[QuotaRequest], *, at: datetime
    ) -> list[tuple[QuotaRequest, _Chair]]:
        principals = (actor.person_id, *delegations.standing_in_for(actor.person_id, at=at))
        approving = Membership.objects.filter(person_id__in=principals, role__in=roles.APPROVING)
        approvers = frozenset(approving.values_list("person_id", flat=True))
        ids = [row.pk for row in rows]
        needs, given = _needs(ids), _given(ids)
        members = _members(needs)
        owned: dict[int, set[int]] = {}
        parts = TeamMember.objects.filter(person_id__in=principals, part=Part.OWNER)
        for team, person in parts.values_list("team_id", "person_id"):
            owned.setdefault(team, set()).add(person)
        return [
            (
                row,
                cls(
                    person_id=actor.person_id,
                    role=role,
                    principals=principals,
                    approvers=approvers,
                    groups=members,
                    owns_team=frozenset(owned.get(row.team_id, ())),
                    center_owner=row.team.cost_center.owner_id,
                    center=str(row.team.cost_center),
                    progress=tuple(
                        _progress(
                            need,
                            [
                                one
                                for one in given
                                if one.request_id == row.pk and one.version == row.version
                            ],
                            members,
                        )
                        for need in needs
                        if need.request_id == row.pk and need.version == row.version
                    ),
                ),
            )
            for row in rows
        ]


def _as_what(chair: _Chair, request: QuotaRequest) -> MayDecide:
    """As what somebody may decide: for the cost center's owner first, then for a group."""
    open_needs = [one for one in chair.progress if one.missing]
    spoken = {one.on_behalf_of_id or one.person_id for part in chair.progress for one in part.given}
    free = [id for id in chair.principals if id not in spoken and id != request.requested_by_id]
    owners = [one for one in open_needs if one.need.whose == Whose.OWNER]
    if owners:
        if chair.center_owner not in free:
            return MayDecide(refusal=OwnerFirst(center=chair.center, number=request.number))
        return _unless_own(chair, request, owners[0].need, chair.center_owner, Whose.OWNER)
    if chair.role not in roles.APPROVING:
        return MayDecide(refusal=_not_yours(request, open_needs))
    refused: MayDecide | None = None
    for one in open_needs:
        for principal in free:
            if _sits_in(chair, one.need, principal):
                found = _unless_own(chair, request, one.need, principal, Whose.GROUP)
                if found.allowed:
                    return found
                refused = refused or found
    return refused or MayDecide(refusal=_not_yours(request, open_needs))


def _unless_own(
    chair: _Chair, request: QuotaRequest, need: ApprovalNeed, principal: int, whose: Whose
) -> MayDecide:
    if not need.own_teams and chair.owns_team & {chair.person_id, principal}:
        return MayDecide(refusal=OwnTeam(team=request.team))
    behalf = None if principal == chair.person_id else principal
    return MayDecide(whose=whose, on_behalf_of=behalf)


def _sits_in(chair: _Chair, need: ApprovalNeed, principal: int) -> bool:
    """Whether a person is one of those a need asks; only approvers are, in whatever group."""
    if principal not in chair.approvers:
        return False
    if need.group_id is None:
        return True
    return any(principal in chair.groups.get(id, ()) for id in _groups_of(need))


def _not_yours(request: QuotaRequest, open_needs: Collection[Progress]) -> NotYourDecision:
    names = sorted(
        {str(one.need.group) if one.need.group else "any approver" for one in open_needs}
    )
    return NotYourDecision(number=request.number, who=", ".join(names) or "nobody any more")


def _progress(
    need: ApprovalNeed, given: Collection[Approval], members: dict[int, frozenset[int]]
) -> Progress:
    """Who of those that a need asks have approved: each person once, each principal once."""
    mine = tuple(one for one in given if one.whose == need.whose and _counts(one, need, members))
    people = len({one.person_id for one in mine})
    principals = len({one.on_behalf_of_id or one.person_id for one in mine})
    return Progress(need, mine, max(need.people - min(people, principals), 0))


def _counts(one: Approval, need: ApprovalNeed, members: dict[int, frozenset[int]]) -> bool:
    if need.whose == Whose.OWNER or need.group_id is None:
        return True
    principal = one.on_behalf_of_id or one.person_id
    return any(principal in members.get(id, ()) for id in _groups_of(need))


def _groups_of(need: ApprovalNeed) -> tuple[int, ...]:
    return tuple(id for id in (need.group_id, need.escalated_to_id) if id is not None)


def _needs(request_ids: Collection[int]) -> list[ApprovalNeed]:
    rows = ApprovalNeed.objects.filter(request_id__in=request_ids)
    return list(rows.select_related("group", "policy").order_by("request", "position"))


def _given(request_ids: Collection[int]) -> list[Approval]:
    rows = Approval.objects.filter(request_id__in=request_ids)
    return list(rows.select_related("person", "on_behalf_of").order_by("id"))


def _members(needs: Collection[ApprovalNeed]) -> dict[int, frozenset[int]]:
    """By group id, the people in each group that the needs name."""
    groups = {id for need in needs for id in _groups_of(need)}
    found: dict[int, set[int]] = {}
    rows = GroupMember.objects.filter(group_id__in=groups).values_list("group_id", "person_id")
    for group, person in rows:
        found.setdefault(group, set()).add(person)
    return {group: frozenset(people) for group, people in found.items()}


def _urgency(row: QuotaRequest) -> tuple[bool, Any, int]:
    """What runs out first, then what was asked first."""
    return (row.runs_out_on is None, row.runs_out_on, row.number)
