"""The two ways an expression fails: it does not compile, or its evaluation ends in an error."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_SNIPPET = 16384
OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
"""What Kubernetes says where several expressions may not cost more than so much together."""
_WIDE_DOT, _WIDE_MARK = "．", "＾"


@dataclass(frozen=True, slots=True)
class Issue:
    """One finding of the compiler at a place of the text; `offset` counts code points, -1 is the whole text."""

    offset: int
    message: str

    def display(self, text: str) -> str:
        """`ERROR: <input>:1:6: …` with the source line and a mark under the place."""
        if self.offset < 0:
            return f"ERROR: <input>:-1:0: {self.message}"
        start = text.rfind("\n", 0, self.offset) + 1
        line, column = text.count("\n", 0, self.offset) + 1, self.offset - start
        head = f"ERROR: <input>:{line}:{column + 1}: {self.message}"
        end = text.find("\n", start)
        snippet = text[start : len(text) if end < 0 else end].replace("\t", " ")
        if len(snippet) > _MAX_SNIPPET:
            return head
        dots = "".join("." if ch.isascii() else _WIDE_DOT for ch in snippet[:column])
        mark = "^" if column >= len(snippet) or snippet[column].isascii() else _WIDE_MARK
        return f"{head}\n | {snippet}\n | {dots}{mark}"


class CompileError(Exception):
    """The text is no valid expression of its environment. `str()` is the report, one block per issue."""

    def __init__(self, text: str, issues: list[Issue]) -> None:
        self.issues = tuple(sorted(issues, key=lambda issue: issue.offset))
        super().__init__("\n".join(issue.display(text) for issue in self.issues))

    @classmethod
    def of(cls, message: str) -> CompileError:
        """An error that is about no place of the text."""
        made = cls("", [])
        made.args = (message,)
        return made


class EvalError(Exception):
    """The evaluation ended in an error value, such as a missing key or an overflow; `cost` is what it cost till then."""

    cost = 0


class CostLimitExceeded(EvalError):
    """The evaluation was stopped because it cost more than its limit; no operator absorbs this."""

    def __init__(self) -> None:
        super().__init__("operation cancelled: actual cost limit exceeded")


NO_OVERLOAD = "no such overload"
