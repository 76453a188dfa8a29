-- How many requests wait for one person at an instant: submitted ones that they may decide on, and
-- their own with an open question. One row. Every page shows it, so it is one statement; what it
-- counts is what `governance.approvers.deciders.waiting_for` lists.
WITH principal AS (
  -- In whose name the person decides: their own, and that of those they stand in for.
  SELECT %(person)s::bigint AS id
   UNION
  SELECT absent_id
    FROM governance_delegation
   WHERE tenant_id = %(tenant)s AND stand_in_id = %(person)s
     AND effective_from <= %(at)s AND effective_until > %(at)s
), open AS (
  SELECT request.tenant_id, request.id, request.version, request.team_id, center.owner_id,
         request.requested_by_id
    FROM governance_quotarequest request
    JOIN inventory_team team
      ON team.tenant_id = request.tenant_id AND team.id = request.team_id
    JOIN inventory_costcenter center
      ON center.tenant_id = team.tenant_id AND center.id = team.cost_center_id
   WHERE request.tenant_id = %(tenant)s AND request.state = 'submitted'
     AND request.requested_by_id <> %(person)s
     AND (%(whole)s OR center.owner_id = %(person)s
          OR EXISTS (SELECT FROM inventory_teammember mine
                      WHERE mine.tenant_id = %(tenant)s AND mine.team_id = request.team_id
                        AND mine.person_id = %(person)s))
), missing AS (
  SELECT need.*, open.team_id, open.owner_id, open.requested_by_id
    FROM open
    JOIN governance_approvalneed need
      ON need.tenant_id = open.tenant_id AND need.request_id = open.id
     AND need.version = open.version
   WHERE need.people > (
     SELECT least(count(DISTINCT given.person_id),
                  count(DISTINCT coalesce(given.on_behalf_of_id, given.person_id)))
       FROM governance_approval given
      WHERE given.tenant_id = need.tenant_id AND given.request_id = need.request_id
        AND given.version = need.version AND given.whose = need.whose
        AND (need.whose = 'owner' OR need.group_id IS NULL
             OR EXISTS (SELECT FROM governance_groupmember member
                         WHERE member.tenant_id = need.tenant_id
                           AND member.group_id IN (need.group_id, need.escalated_to_id)
                           AND member.person_id
                               = coalesce(given.on_behalf_of_id, given.person_id))))
), mine AS (
  SELECT DISTINCT missing.request_id
    FROM missing
    JOIN principal ON principal.id <> missing.requested_by_id
   WHERE NOT EXISTS (SELECT FROM governance_approval spoken
                      WHERE spoken.tenant_id = missing.tenant_id
                        AND spoken.request_id = missing.request_id
                        AND spoken.version = missing.version
                        AND coalesce(spoken.on_behalf_of_id, spoken.person_id) = principal.id)
     AND (missing.own_teams
          OR NOT EXISTS (SELECT FROM inventory_teammember part
                          WHERE part.tenant_id = missing.tenant_id
                            AND part.team_id = missing.team_id AND part.part = 'owner'
                            AND part.person_id IN (principal.id, %(person)s)))
     AND CASE missing.whose
           WHEN 'owner' THEN missing.owner_id = principal.id
           ELSE %(approves)s
                -- the owner of the cost center decides first
                AND NOT EXISTS (SELECT FROM missing first
                                 WHERE first.request_id = missing.request_id
                                   AND first.whose = 'owner')
                AND EXISTS (SELECT FROM tenancy_membership role
                             WHERE role.tenant_id = missing.tenant_id
                               AND role.person_id = principal.id
                               AND role.role = ANY(%(approving)s))
                AND (missing.group_id IS NULL
                     OR EXISTS (SELECT FROM governance_groupmember member
                                 WHERE member.tenant_id = missing.tenant_id
                                   AND member.group_id
                                       IN (missing.group_id, missing.escalated_to_id)
                                   AND member.person_id = principal.id))
         END
)
SELECT (SELECT count(*) FROM mine)
     + (SELECT count(*) FROM governance_quotarequest
         WHERE tenant_id = %(tenant)s AND state = 'question' AND requested_by_id = %(person)s)
