"""Declarations of a project, as frozen values.

Everything here can be written to JSON and read back (``msgspec``), so that a declaration made in one
process (user modules are imported in a worker, never in the program itself) is the same value in another.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from upriver.assets.execution import Execution as Execution
from upriver.assets.execution import Permissions as Permissions
from upriver.assets.keys import MAX_KEY_LENGTH as MAX_KEY_LENGTH
from upriver.assets.keys import Key as Key
from upriver.assets.keys import key_problem as key_problem
from upriver.assets.location import FileLocation as FileLocation
from upriver.assets.location import Location as Location
from upriver.assets.location import Sink as Sink
from upriver.assets.location import SystemLocation as SystemLocation
from upriver.assets.location import TableLocation as TableLocation
from upriver.assets.partitions.model import Partitioning
from upriver.assets.value import Place as Place
from upriver.assets.value import Value as Value


class Kind(StrEnum):
    """What an asset's artifact is."""

    TABLE = "table"
    FILE = "file"


class Frame(StrEnum):
    """What a Python recipe receives for an upstream, or returns; decided by the annotation."""

    LAZY = "polars.LazyFrame"
    EAGER = "polars.DataFrame"
    ARROW = "pyarrow.Table"
    READER = "pyarrow.RecordBatchReader"
    RELATION = "duckdb.DuckDBPyRelation"
    PANDAS = "pandas.DataFrame"
    PATH = "pathlib.Path"
    BYTES = "bytes"
    ANY = "any"
    """No annotation: inputs arrive as LazyFrame; a result may be any of the above."""


class Column(Value, frozen=True):
    """A column of a table: its name as the engine spells it, and its DuckDB type (``DECIMAL(18,2)``).

    *logical* is what the type does not tell, for readers that go by it: an Arrow field (time zone, order of
    categories, duration), as ``lineage.arrow_fields`` writes it. It is empty where the DuckDB type tells all.
    """

    name: str
    type: str
    logical: str = ""

    @property
    def facts(self) -> tuple[str, ...]:
        """Name and type, and what the type does not tell, if there is anything."""
        return (self.name, self.type, self.logical) if self.logical else (self.name, self.type)


Schema: TypeAlias = tuple[Column, ...]


class Input(Value, frozen=True):
    """One parameter of a Python recipe. *key* is None until the graph has matched it by name."""

    parameter: str
    frame: Frame
    key: Key | None = None


class SqlRecipe(Value, frozen=True, tag="sql"):
    """A query. *text* is the module's body without its header; *line* is its first line in the file."""

    text: str
    dialect: str = "duckdb"
    line: int = 1


class CodePart(Value, frozen=True):
    """One piece of project code that a Python recipe can reach.

    *digest* covers meaning only (no comments, docstrings, formatting); *source* is kept to show a diff.
    """

    name: str
    place: Place
    digest: str
    source: str


class PythonRecipe(Value, frozen=True, tag="python"):
    """A function, found again as attribute *qualname* of project module *module*.

    *fingerprint* and *parts* describe all project code it can reach; *packages* are the third-party
    distributions it uses, as ``(name, version)``; *widened* says why the reach was widened, if it was.
    *volatile* names the non-deterministic or time functions that the recipe was declared to use. *settings* are
    the parameters that receive project variables.
    """

    module: str
    qualname: str
    inputs: tuple[Input, ...]
    returns: Frame
    settings: tuple[str, ...] = ()
    fingerprint: str = ""
    parts: tuple[CodePart, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()
    widened: tuple[str, ...] = ()


Recipe: TypeAlias = SqlRecipe | PythonRecipe


class FreshWithin(Value, frozen=True, tag="fresh_within"):
    """A goal: what an asset has taken in was seen to be current at most *seconds* ago."""

    seconds: float
    observe_every: float | None = None


class Every(Value, frozen=True, tag="every"):
    """A goal: an asset verifies against observations since the last tick of *cron*, or of *interval* seconds from
    local midnight on.

    *zone* None is the project's zone. *within* is how many seconds after its tick it is overdue; None: at the next one.
    """

    cron: str | None = None
    interval: float | None = None
    zone: str | None = None
    within: float | None = None
    observe_every: float | None = None


class By(Value, frozen=True, tag="by"):
    """A goal: at *minute* of each day of *on*, an asset verifies against observations since minute *since* of that day.

    Minutes count from local midnight in *zone* (None: the project's). *on* are ``mon`` … ``sun``, ISO dates, or
    ``workdays`` with the code of a country, ``workdays DE-BY`` (without one: the project's calendar).
    """

    minute: int
    zone: str | None = None
    on: tuple[str, ...] = ()
    since: int = 0
    observe_every: float | None = None


Goal: TypeAlias = FreshWithin | Every | By
"""What should hold of an asset, by when. An asset has at most one of each kind."""


class Severity(StrEnum):
    """What a failed check does: an error keeps the artifact from being published, a warning is told."""

    ERROR = "error"
    WARN = "warn"


class NotNull(Value, frozen=True, tag="not_null"):
    """A rule that a column holds no null."""

    column: str


class Unique(Value, frozen=True, tag="unique"):
    """A rule that no two rows have the same values in *columns*. Of a single column, nulls are not compared."""

    columns: tuple[str, ...]


class AcceptedValues(Value, frozen=True, tag="accepted_values"):
    """A rule that a column holds nothing but *values*, or null. They are texts, read as the column's type."""

    column: str
    values: tuple[str, ...]


class Range(Value, frozen=True, tag="range"):
    """A rule that a column's values lie between *least* and *greatest*, both included, or are null."""

    column: str
    least: str | None = None
    greatest: str | None = None


class Matches(Value, frozen=True, tag="matches"):
    """A rule that a column's texts match a regular expression as a whole, or are null."""

    column: str
    pattern: str


class RowCount(Value, frozen=True, tag="row_count"):
    """A rule on how many rows there are."""

    least: int | None = None
    greatest: int | None = None


class Expression(Value, frozen=True, tag="expression"):
    """A rule that an SQL expression over the columns of a row is true, or null, for every row."""

    text: str


class Relationship(Value, frozen=True, tag="relationship"):
    """A rule that each value of a column is one of *to_column* of the asset or source *to*, or null."""

    column: str
    to: Key
    to_column: str


class Newest(Value, frozen=True, tag="freshness"):
    """A rule that a column's newest value is not older than *within* seconds."""

    column: str
    within: float


class Offenders(Value, frozen=True, tag="query"):
    """A rule that a query gives no rows. *reads* are the keys that it names, *fingerprint* its meaning."""

    text: str
    line: int = 1
    dialect: str = "duckdb"
    reads: tuple[Key, ...] = ()
    fingerprint: str = ""


class Predicate(Value, frozen=True, tag="python"):
    """A rule that a function finds nothing wrong: it returns a frame of offenders, whether all is well, or a message.

    *steady* is False where it may find something else in the same rows. Other fields as in :class:`Execution`.
    """

    recipe: PythonRecipe
    steady: bool = True
    timeout: float | None = None
    memory: int | None = None


Rule: TypeAlias = (
    NotNull | Unique | AcceptedValues | Range | Matches | RowCount | Expression | Relationship | Newest | Offenders
    | Predicate
)  # fmt: skip


class Check(Value, frozen=True):
    """A rule on the rows of an asset. *most* is how many offenders are tolerated, *share* which part of the rows."""

    name: str
    rule: Rule
    place: Place
    severity: Severity = Severity.ERROR
    most: int = 0
    share: float = 0.0

    @property
    def others(self) -> tuple[Key, ...]:
        """What it reads beside the asset that it is of, as declared."""
        match self.rule:
            case Relationship(to=to):
                return (to,)
            case Offenders(reads=reads):
                return reads
            case Predicate(recipe=recipe):
                return tuple(sorted({one.key for one in recipe.inputs if one.key is not None}))
            case _:
                return ()


class ContractColumn(Value, frozen=True):
    """A column that an asset promises. *type* is a DuckDB type, None when any will do."""

    name: str
    place: Place
    type: str | None = None
    description: str = ""


class Quality(Value, frozen=True):
    """What an asset promises: checks of its rows, and its columns: all of them when the contract is *closed*."""

    checks: tuple[Check, ...] = ()
    columns: tuple[ContractColumn, ...] = ()
    closed: bool = False


class Asset(Value, frozen=True):
    """A table or file that the project produces, as declared.

    *after* are keys that must be up to date first although the recipe does not read them as data.
    *environment* are the names of environment variables that the recipe reads, and patterns of them; *variables* the
    names of ``upriver.toml`` variables. *volatile* is None when the engine's own function table decides, else
    ``"always"``, ``"daily"`` or ``"never"``. *suffix* is the file name ending of a file asset (``.json``).
    """

    key: Key
    kind: Kind
    recipe: Recipe
    place: Place
    description: str = ""
    tags: tuple[str, ...] = ()
    owner: str | None = None
    execution: Execution = Execution()
    after: tuple[Key, ...] = ()
    environment: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    volatile: str | None = None
    suffix: str = ""
    ordered: bool = False
    permissions: Permissions = Permissions()
    goals: tuple[Goal, ...] = ()
    quality: Quality = Quality()
    partition: Partitioning | None = None
    sink: Sink | None = None


class Source(Value, frozen=True):
    """An asset that the project reads and does not produce."""

    key: Key
    location: Location
    place: Place
    description: str = ""
    tags: tuple[str, ...] = ()
    owner: str | None = None
    derived: bool = False
    """True when it was not declared but found in a query (``from 'data/x.csv'``)."""
