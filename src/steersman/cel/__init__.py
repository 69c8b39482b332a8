"""CEL, the Common Expression Language, as Kubernetes has it: `Env(…).compile(text).evaluate(values)`.

Here belong the language and its libraries. What an expression means to admission or to a schema belongs to its caller.
"""

from steersman.cel.env import (
    EVERYTHING,
    KUBERNETES,
    MATCH_CONDITIONS_BUDGET,
    MUTATION,
    PER_CALL_LIMIT,
    RULE_ESTIMATE_LIMIT,
    RUNTIME_BUDGET,
    SCHEMA_ESTIMATE_LIMIT,
    Env,
    Program,
    plain,
)
from steersman.cel.errors import CompileError, CostLimitExceeded, EvalError
from steersman.cel.schema import escape, max_cardinality, schema_type
from steersman.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    STRING,
    TIMESTAMP,
    UINT,
    Type,
    list_of,
    map_of,
    optional_of,
)
from steersman.cel.values import NONE, Duration, Optional, Timestamp, Uint

__all__ = [
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "EVERYTHING",
    "INT",
    "KUBERNETES",
    "MATCH_CONDITIONS_BUDGET",
    "MUTATION",
    "NONE",
    "NULL",
    "PER_CALL_LIMIT",
    "RULE_ESTIMATE_LIMIT",
    "RUNTIME_BUDGET",
    "SCHEMA_ESTIMATE_LIMIT",
    "STRING",
    "TIMESTAMP",
    "UINT",
    "CompileError",
    "CostLimitExceeded",
    "Duration",
    "Env",
    "EvalError",
    "Optional",
    "Program",
    "Timestamp",
    "Type",
    "Uint",
    "escape",
    "list_of",
    "map_of",
    "max_cardinality",
    "optional_of",
    "plain",
    "schema_type",
]
