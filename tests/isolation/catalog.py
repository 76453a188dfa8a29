"""What the database's own catalogue must say, one rule a function; each returns what breaks it.

The rules look at PostgreSQL, not at the models: a table made by hand, a partition, a view or a
function can leak without any model knowing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import Connection

from tenancy.row_security import APP_ROLE

Rule = Callable[[Connection], list[str]]

POLICY = "(tenant_id = (NULLIF(current_setting('apportion.tenant'::text, true), ''::text))::bigint)"

#: Policies besides the one that every tenant table has, with why.
FURTHER_POLICIES = {
    # A signed-in person's own memberships, to choose a tenant from: reading only.
    ("tenancy_membership", "own_memberships", "SELECT"),
}

#: Tables that belong to no tenant, with why that is safe.
GLOBAL_TABLES = {
    "tenancy_tenant": "id, slug and state only: the schedule finds whom to work for",
    "tenancy_person": "somebody who can sign in; what they may do is said by memberships",
    "tenancy_installationrun": "runs that serve every tenant: loading the public price list",
    "billing_meter": "Azure's public price list",
    "billing_price": "Azure's public price list",
    "billing_pricechange": "what loads of the public price list changed",
    "django_session": "opaque, by its key; holds the id of the person signed in",
    "django_content_type": "names of models",
    "django_migrations": "names of migrations",
    "auth_permission": "Django's own; not granted, not used",
    "auth_group": "Django's own; not granted, not used",
    "auth_group_permissions": "Django's own; not granted, not used",
    "django_admin_log": "Django's own; not granted: the audit log is kept instead",
}

#: Functions that run with their owner's rights.
DEFINERS = {
    "billing_usage_months": "makes months of usage, each under guard; the product owns no table",
    "billing_usage_let_go": "detaches a month of usage that nobody keeps any longer, whole",
}

_TENANT_TABLES = """
    SELECT c.oid FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND a.attname = 'tenant_id' AND NOT a.attisdropped
"""


@dataclass(frozen=True)
class Query:
    """A rule that holds where its query returns no row; a row is what to tell a person."""

    text: str

    def __call__(self, connection: Connection) -> list[str]:
        parameters = {"app": APP_ROLE, "policy": POLICY}
        rows = connection.execute(self.text.encode(), parameters).fetchall()
        return [" ".join(str(part) for part in row) for row in rows]


row_security_is_forced = Query(f"""
    SELECT relname, 'has no forced row security' FROM pg_class
     WHERE oid IN ({_TENANT_TABLES}) AND NOT (relrowsecurity AND relforcerowsecurity)
""")

every_table_has_the_policy = Query(f"""
    SELECT relname, 'has no policy of its tenant for reading and writing' FROM pg_class c
     WHERE oid IN ({_TENANT_TABLES}) AND NOT EXISTS (
        SELECT FROM pg_policies p
         WHERE p.schemaname = 'public' AND p.tablename = c.relname AND p.cmd = 'ALL'
           AND p.roles = '{{public}}' AND p.qual = %(policy)s AND p.with_check = %(policy)s)
""")

partitions_are_reached_through_their_table_only = Query("""
    SELECT relname, 'is a partition that somebody besides its owner may use by name'
      FROM pg_class c, aclexplode(c.relacl) AS acl
     WHERE relispartition AND acl.grantee <> c.relowner
""")

views_run_with_the_callers_rights = Query("""
    SELECT relname, 'is a view that runs with its owner''s rights' FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
       AND NOT 'security_invoker=true' = ANY (coalesce(reloptions, '{}'))
""")

nothing_is_materialised = Query("""
    SELECT relname, 'is materialised: row security does not reach it' FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'm'
""")

keys_are_led_by_the_tenant = Query(f"""
    SELECT i.indexrelid::regclass, 'is a unique key not led by tenant_id' FROM pg_index i
     WHERE i.indisunique AND i.indrelid IN ({_TENANT_TABLES}) AND NOT EXISTS (
        SELECT FROM pg_attribute a
         WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = 'tenant_id')
""")

links_stay_within_the_tenant = Query(f"""
    SELECT k.conrelid::regclass, k.conname, 'can point into another tenant' FROM pg_constraint k
     WHERE k.contype = 'f' AND k.confrelid IN ({_TENANT_TABLES}) AND NOT EXISTS (
        SELECT FROM unnest(k.conkey, k.confkey) AS pair (here, there)
          JOIN pg_attribute h ON h.attrelid = k.conrelid AND h.attnum = pair.here
          JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = pair.there
         WHERE h.attname = 'tenant_id' AND t.attname = 'tenant_id')
""")

the_application_may_read_and_write_rows_only = Query("""
    SELECT relname, acl.privilege_type, 'is more than rows need' FROM pg_class c,
           aclexplode(c.relacl) AS acl JOIN pg_roles r ON r.oid = acl.grantee
     WHERE c.relkind IN ('r', 'p', 'v') AND r.rolname = %(app)s
       AND acl.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
""")

the_application_role_is_plain = Query("""
    SELECT rolname, 'can do more than a plain role' FROM pg_roles
     WHERE rolname = %(app)s
       AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)
     UNION ALL
    SELECT r.rolname, 'is a member of ' || m.roleid::regrole FROM pg_auth_members m
      JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %(app)s
""")

the_application_owns_nothing = Query("""
    SELECT classid::regclass, objid, 'belongs to the application''s role' FROM pg_shdepend d
      JOIN pg_roles r ON r.oid = d.refobjid
     WHERE d.deptype = 'o' AND r.rolname = %(app)s
""")

public_may_do_nothing = Query("""
    SELECT relname, acl.privilege_type, 'is granted to everybody'
      FROM pg_class c, aclexplode(c.relacl) AS acl
     WHERE relnamespace = 'public'::regnamespace AND acl.grantee = 0
     UNION ALL
    SELECT proname, acl.privilege_type, 'is granted to everybody'
      FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
     WHERE pronamespace = 'public'::regnamespace AND acl.grantee = 0
     UNION ALL
    SELECT nspname, acl.privilege_type, 'is granted to everybody'
      FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS acl
     WHERE nspname = 'public' AND acl.grantee = 0 AND acl.privilege_type <> 'USAGE'
     UNION ALL
    SELECT datname, acl.privilege_type, 'is granted to everybody'
      FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS acl
     WHERE datname = current_database() AND acl.grantee = 0
     UNION ALL
    SELECT defaclobjtype::text, defaclacl::text, 'would be granted on objects yet to be made'
      FROM pg_default_acl
""")

no_rule_or_setting_goes_round = Query("""
    SELECT ev_class::regclass::text, rulename::text, 'rewrites queries' FROM pg_rewrite r
      JOIN pg_class c ON c.oid = r.ev_class
     WHERE c.relnamespace = 'public'::regnamespace AND rulename <> '_RETURN'
     UNION ALL
    SELECT setrole::regrole::text, setconfig::text, 'sets a tenant for every session'
      FROM pg_db_role_setting
     WHERE array_to_string(setconfig, ' ') LIKE '%%apportion.%%'
     UNION ALL
    SELECT setrole::regrole::text, setconfig::text, 'switches row security' FROM pg_db_role_setting
     WHERE array_to_string(setconfig, ' ') LIKE '%%row_security%%'
""")


def no_further_policy_opens_a_table(connection: Connection) -> list[str]:
    """Policies add up: each one besides the tenant's own is listed above with its reason."""
    rows = connection.execute(
        "SELECT tablename, policyname, cmd FROM pg_policies"
        " WHERE schemaname = 'public' AND policyname <> 'tenant_isolation'"
    ).fetchall()
    found = [row for row in rows if row not in FURTHER_POLICIES]
    return [
        f"{table} is opened further by the policy {name} for {cmd}" for table, name, cmd in found
    ]


def tables_without_a_tenant_are_known(connection: Connection) -> list[str]:
    """A table of no tenant is listed above with the reason why that is safe."""
    rows = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        f" AND relkind IN ('r', 'p', 'f') AND oid NOT IN ({_TENANT_TABLES})"
    ).fetchall()
    return [f"{name} has no tenant and no reason" for (name,) in rows if name not in GLOBAL_TABLES]


def functions_with_their_owners_rights_are_known(connection: Connection) -> list[str]:
    """Each is listed above and looks names up where nobody else can put any."""
    rows = connection.execute(
        "SELECT proname, coalesce(array_to_string(proconfig, ' '), '') FROM pg_proc"
        " WHERE prosecdef AND pronamespace NOT IN"
        " ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
    ).fetchall()
    found = [f"{name} runs with its owner's rights" for name, _ in rows if name not in DEFINERS]
    open_path = [
        f"{name} has no fixed search_path"
        for name, config in rows
        if "search_path=pg_catalog" not in config
    ]
    return found + open_path


RULES: dict[str, Rule] = {
    "row security is forced": row_security_is_forced,
    "every table has the policy": every_table_has_the_policy,
    "no further policy opens a table": no_further_policy_opens_a_table,
    "partitions are reached through their table only": (
        partitions_are_reached_through_their_table_only
    ),
    "views run with the caller's rights": views_run_with_the_callers_rights,
    "nothing is materialised": nothing_is_materialised,
    "keys are led by the tenant": keys_are_led_by_the_tenant,
    "links stay within the tenant": links_stay_within_the_tenant,
    "tables without a tenant are known": tables_without_a_tenant_are_known,
    "functions with their owner's rights are known": (functions_with_their_owners_rights_are_known),
    "the application may read and write rows only": (the_application_may_read_and_write_rows_only),
    "the application role is plain": the_application_role_is_plain,
    "the application owns nothing": the_application_owns_nothing,
    "public may do nothing": public_may_do_nothing,
    "no rule or setting goes round": no_rule_or_setting_goes_round,
}
