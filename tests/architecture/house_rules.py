"""Rules of the house that no linter can say: what each looks at, why, and a snippet of either kind.

A rule gets a module's path and its syntax tree and returns what breaks it, with the line.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

Found = Iterator[tuple[int, str]]

ROOMS = ("portal", "governance", "billing", "inventory", "tenancy", "connectors")
APPS = ("governance", "billing", "inventory", "tenancy")
DOORS = ("admin", "api", "views", "tasks", "commands")
#: Models over a view: there is nothing to write.
VIEWS = ("Owner",)
WRITES = (
    "create",
    "bulk_create",
    "get_or_create",
    "update_or_create",
    "update",
    "bulk_update",
    "delete",
)
LONGEST_FILE, LONGEST_FUNCTION = 400, 60


@dataclass(frozen=True)
class Rule:
    """``says`` is for the newcomer whose commit it stops."""

    says: str
    where: Callable[[PurePosixPath], bool]
    check: Callable[[PurePosixPath, ast.Module], Found]
    good: str
    bad: str
    #: Where the snippets pretend to stand.
    at: str


def _product(path: PurePosixPath) -> bool:
    return path.parts[0] in ROOMS and "migrations" not in path.parts


def _money(path: PurePosixPath) -> bool:
    return _product(path) and path.parts[0] in ("billing", "governance", "tenancy")


def _door(path: PurePosixPath) -> bool:
    return _product(path) and any(part.removesuffix(".py") in DOORS for part in path.parts[1:])


def _test(path: PurePosixPath) -> bool:
    return path.parts[0] == "tests"


def _migration(path: PurePosixPath) -> bool:
    return "migrations" in path.parts and path.parts[0] in APPS


def _dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of names; of anything else what can be read of it."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def _calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, _dotted(node.func)


def no_float(path: PurePosixPath, tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the float {node.value}"
        if isinstance(node, ast.Call) and _dotted(node.func) == "float":
            yield node.lineno, "float(…)"


def one_clock(path: PurePosixPath, tree: ast.Module) -> Found:
    if str(path) == "tenancy/clock.py":
        return
    asked = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "timezone.now"}
    for node, name in _calls(tree):
        if ".".join(name.split(".")[-2:]) in asked:
            yield node.lineno, f"{name}()"


def own_tables(path: PurePosixPath, tree: ast.Module) -> Found:
    foreign = {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").partition(".")[0] in APPS
        and ".models" in f".{node.module}"
        and (node.module or "").partition(".")[0] != path.parts[0]
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        chain = _links(node)
        manager = next((part for part in chain if part in ("objects", "_base_manager")), None)
        if manager is None or chain[0] not in foreign or chain[0] in VIEWS:
            continue
        if node.attr in WRITES or (_door(path) and node.attr == manager):
            yield node.lineno, f"{chain[0]}.{manager}…{node.attr} of {foreign[chain[0]]}"


def _links(node: ast.AST) -> list[str]:
    """The names along a chain of attributes and calls, from its root."""
    match node:
        case ast.Attribute(value=value, attr=attr):
            return [*_links(value), attr]
        case ast.Call(func=func):
            return _links(func)
        case ast.Name(id=name):
            return [name]
        case _:
            return ["?"]


def through_the_gate(path: PurePosixPath, tree: ast.Module) -> Found:
    for node, name in _calls(tree):
        by_key = {keyword.arg for keyword in node.keywords} & {"pk", "id"}
        if name.endswith("get_object_or_404"):
            yield node.lineno, name
        elif name.endswith(("objects.get", "objects.filter")) and by_key:
            yield node.lineno, f"{name}({by_key.pop()}=…)"


def short_enough(path: PurePosixPath, tree: ast.Module) -> Found:
    last = max((node.end_lineno or 0 for node in tree.body), default=0)
    if last > LONGEST_FILE:
        yield last, f"a file of {last} lines"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield node.lineno, f"{node.name} of {lines} lines"


def imports_can_be_seen(path: PurePosixPath, tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        if any(name == "importlib" for name in names):
            yield getattr(node, "lineno", 0), "importlib"
        if isinstance(node, ast.Call) and _dotted(node.func) in ("__import__", "import_module"):
            yield node.lineno, f"{_dotted(node.func)}(…)"


def one_place_sets_the_tenant(path: PurePosixPath, tree: ast.Module) -> Found:
    if str(path) == "tenancy/scope.py":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.lower()
            if "set_config(" in words or "set apportion." in words or "set role" in words:
                yield node.lineno, node.value.strip()[:40]


def no_built_sql(path: PurePosixPath, tree: ast.Module) -> Found:
    for node, name in _calls(tree):
        if name.endswith((".execute", ".executemany", "RawSQL", ".raw")) and node.args:
            built = isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
            formatted = isinstance(node.args[0], ast.Call) and _dotted(node.args[0].func).endswith(
                "format"
            )
            if built or formatted:
                yield node.lineno, f"{name} of a text put together"


def no_mocked_wire(path: PurePosixPath, tree: ast.Module) -> Found:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None) or node.names[0].name
            if module.partition(".")[0] in ("mock", "respx", "responses", "httpretty"):
                yield node.lineno, module
            if module.startswith("unittest.mock"):
                yield node.lineno, module
    for call, name in _calls(tree):
        if name.endswith("monkeypatch.setattr") and "connectors" in ast.unparse(call.args[0]):
            yield call.lineno, "monkeypatch.setattr of a connector"


def no_sleeping_tests(path: PurePosixPath, tree: ast.Module) -> Found:
    polling = {
        node.lineno
        for loop in ast.walk(tree)
        if isinstance(loop, ast.While)
        for node in ast.walk(loop)
        if isinstance(node, ast.Call)
    }
    for node, name in _calls(tree):
        if name in ("time.sleep", "sleep") and node.lineno not in polling:
            yield node.lineno, f"{name} outside a loop that waits for something"


def migrations_stand_alone(path: PurePosixPath, tree: ast.Module) -> Found:
    known = {
        "tenancy": {"row_security"},
        "tenancy.row_security": None,
        "tenancy.links": None,
        "tenancy.scope": None,
        "tenancy.models.tenants": None,
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            ours = node.module.partition(".")[0] in (*ROOMS, "simulator")
            allowed = known.get(node.module, set())
            names = {alias.name for alias in node.names}
            if ours and allowed is not None and names - allowed:
                yield node.lineno, f"from {node.module} import {', '.join(sorted(names))}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] in ROOMS and alias.name not in known:
                    yield node.lineno, f"import {alias.name}"


RULES = {
    "money is exact": Rule(
        says="An amount that was once a float is wrong by a fraction of a cent. Use Decimal.",
        where=_money,
        check=no_float,
        at="billing/rating.py",
        good="from decimal import Decimal\nhalf = Decimal('0.5')\n",
        bad="half = 0.5\n",
    ),
    "one clock": Rule(
        says="Doors ask tenancy.clock and hand the instant down as at=, so that the same input"
        " gives the same answer in ten years.",
        where=_product,
        check=one_clock,
        at="billing/rating.py",
        good="def rate(*, at): return at\n",
        bad="from datetime import datetime\ndef rate(): return datetime.now()\n",
    ),
    "own tables": Rule(
        says="A room changes its own tables only, and has the others change theirs by a verb, which"
        " keeps the audit log and whatever must follow. A door asks verbs and tenancy.access.",
        where=lambda path: _product(path) and path.parts[0] in (*APPS, "portal"),
        check=own_tables,
        at="billing/rating.py",
        good="from billing.models import Price\nPrice.objects.create()\n",
        bad="from inventory.models import Team\nTeam.objects.filter(slug='a').update(name='b')\n",
    ),
    "through the gate": Rule(
        says="A door reaches an object through tenancy.access only: the answer for 'no such' and"
        " for 'not yours' must be the same.",
        where=_door,
        check=through_the_gate,
        at="portal/views/team.py",
        good="from tenancy import access\naccess.one(Team, actor, slug=slug)\n",
        bad="Team.objects.get(pk=number)\n",
    ),
    "short enough": Rule(
        says="A file of more than 400 lines, or a function of more than 60, holds two subjects.",
        where=_product,
        check=short_enough,
        at="billing/rating.py",
        good="def rate():\n" + "    pass\n" * 20,
        bad="def rate():\n" + "    pass\n" * 70,
    ),
    "imports can be seen": Rule(
        says="The import contracts see what is imported by name; importlib goes round them.",
        where=_product,
        check=imports_can_be_seen,
        at="billing/rating.py",
        good="from importlib.metadata import version\n",
        bad="import importlib\nimportlib.import_module('governance.limits.quotas')\n",
    ),
    "one place sets the tenant": Rule(
        says="Only tenancy.scope tells the database whose rows may be seen, for one transaction.",
        where=_product,
        check=one_place_sets_the_tenant,
        at="billing/rating.py",
        good="from tenancy import scope\nscope.of(tenant)\n",
        bad="cursor.execute(\"SELECT set_config('apportion.tenant', '7', false)\")\n",
    ),
    "no built SQL": Rule(
        says="SQL is written out, with parameters: a text put together can be made to say more.",
        where=lambda path: _product(path) and str(path) != "tenancy/row_security.py",
        check=no_built_sql,
        at="billing/rating.py",
        good="cursor.execute('SELECT 1 WHERE tenant_id = %s', [tenant])\n",
        bad="cursor.execute(f'SELECT 1 WHERE tenant_id = {tenant}')\n",
    ),
    "no mocked wire": Rule(
        says="Tests talk to the simulator over TLS: a mocked answer proves what we believe of"
        " Azure, not what Azure does.",
        where=_test,
        check=no_mocked_wire,
        at="tests/flows/test_sync.py",
        good="def test_sync(azure): ...\n",
        bad="from unittest.mock import patch\n",
    ),
    "no sleeping tests": Rule(
        says="A test that sleeps is slow when it passes and flaky when it fails. Wait for"
        " something, with a deadline.",
        where=_test,
        check=no_sleeping_tests,
        at="tests/flows/test_sync.py",
        good="while not done():\n    time.sleep(0.02)\n",
        bad="time.sleep(2)\n",
    ),
    "migrations stand alone": Rule(
        says="A migration is read in three years, beside code that has moved on: it imports the"
        " few modules that are kept for migrations.",
        where=_migration,
        check=migrations_stand_alone,
        at="billing/migrations/0009_more.py",
        good="from tenancy.row_security import Guard\nimport tenancy.scope\n",
        bad="from billing.models import Price\n",
    ),
}
