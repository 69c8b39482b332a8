"""The cluster as the tour drives it: kubectl and steer as commands, and expectations that explain themselves."""

import json
import os
import shlex
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

PATIENCE = 60.0
POLL = 0.1
# How long a command is given again while parts are being killed.
OUTAGE = 15.0
# What a pod of the web Deployment takes to end, in seconds, and at most on a busy machine.
DRAIN, MOST_DRAIN = 3, 10
# Answers that differ when a command is given a second time.
DONE_BEFORE = (" created", " exposed", " deleted", " image updated", " rolled back", " scaled", " replaced")
LOST = (
    "was refused",
    "connection refused",
    "eof",
    "connection reset",
    "connection lost",
    "broken pipe",
    "unavailable",
    "handshake timeout",
)
EXAMPLES = Path(__file__).resolve().parent.parent
MANIFESTS = Path(__file__).resolve().parent / "manifests"


class StepFailedError(Exception):
    """A step did not find what it expected; the message says what was done, what came, and what should have."""


@dataclass(frozen=True)
class Result:
    """What a command said and how it ended."""

    command: Sequence[str]
    code: int
    out: str
    err: str
    repeated: bool = False

    def fail(self, expected: str) -> StepFailedError:
        said = "\n".join(f"    {line}" for line in (self.out + self.err).splitlines()) or "    (nothing)"
        return StepFailedError(
            f"{shlex.join(self.command)}\n  exit code {self.code}, output:\n{said}\n  expected: {expected}"
        )

    def expect(self, *texts: str) -> "Result":
        """This result, when its output holds all these texts."""
        for text in texts:
            if self.repeated and text.endswith(DONE_BEFORE):
                continue
            if text not in self.out + self.err:
                raise self.fail(f"the text {text!r}")
        return self


@dataclass
class Cluster:
    """One cluster of this machine and the programs to use it."""

    name: str
    work: Path
    kubectl_path: str = "kubectl"
    steer_path: str = "steer"
    notes: list[str] = field(default_factory=list)  # what a step measured, printed beside it
    memory: dict[str, str] = field(default_factory=dict)  # what later steps need of earlier ones
    times: float = 1.0  # how many times as long as promised everything may take
    outages: bool = False  # parts are being killed: a refused command is given again, as its user would

    @property
    def where(self) -> list[str]:
        return ["--name", self.name, "--data-dir", str(self.work / "data")]

    @property
    def kubeconfig(self) -> Path:
        return self.work / "kubeconfig"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.work)}

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        code: int | None = 0,
        timeout: float = 180.0,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a command; `code` is the exit code it must have, None for any."""
        timeout *= self.times
        try:
            done = subprocess.run(
                command,
                input=stdin,
                capture_output=True,
                text=True,
                env={**self.environment, **(environment or {})},
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise StepFailedError(f"{shlex.join(command)}\n  did not end within {timeout:g} s") from error
        result = Result(command, done.returncode, done.stdout, done.stderr)
        if code is not None and result.code != code:
            raise result.fail(f"exit code {code}")
        return result

    def steer(self, verb: str, *arguments: str, code: int | None = 0) -> Result:
        return self.run([self.steer_path, verb, *self.where, *arguments], code=code)

    def image_load(self, archive: Path) -> Result:
        return self.run([self.steer_path, "image", "load", *self.where, str(archive)])

    def kubectl(
        self,
        *arguments: str,
        stdin: str = "",
        code: int | None = 0,
        timeout: float = 180.0,
        undo: Sequence[str] = (),
    ) -> Result:
        """kubectl; before it is given again, `undo` removes what the try before has left."""
        command = [self.kubectl_path, *arguments]
        end = time.monotonic() + OUTAGE * self.times
        repeated = False
        while True:
            result = self.run(command, stdin=stdin, code=None, timeout=timeout)
            if not (self.outages and result.code and _lost_connection(result) and time.monotonic() < end):
                break
            repeated = True
            time.sleep(POLL)
            if undo:
                self.kubectl(*undo)
        if repeated:
            result = replace(result, repeated=True)
            # The first try may have arrived although its answer did not.
            if any(text in result.err for text in ("(AlreadyExists)", "(NotFound)")):
                return result
        if code is not None and result.code != code:
            raise result.fail(f"exit code {code}")
        return result

    def kubectl_version(self) -> str:
        version = json.loads(self.kubectl("version", "-o", "json").out)
        return f"kubectl {version['clientVersion']['gitVersion']}, server {version['serverVersion']['gitVersion']}"

    def minor(self) -> int:
        """The minor version of kubectl."""
        version = json.loads(self.kubectl("version", "--client", "-o", "json").out)
        return int(version["clientVersion"]["minor"].rstrip("+"))

    def get(self, *arguments: str) -> Any:
        """`kubectl get … -o json`, decoded."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json").out)

    def jsonpath(self, kind: str, name: str, path: str) -> str:
        """A value of an object; empty when there is none, or no object."""
        return self.kubectl("get", kind, name, "--ignore-not-found", "-o", f"jsonpath={{{path}}}").out

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """The pods of a selector that are not being deleted, in the order of their names."""
        items: list[dict[str, Any]] = self.get("pods", "-l", selector)["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self, selector: str) -> list[dict[str, Any]]:
        return [pod for pod in self.pods(selector) if is_ready(pod)]

    def wait_ready(self, selector: str, count: int) -> list[dict[str, Any]]:
        """Until exactly `count` pods are there, all of them ready."""

        def check() -> bool:
            pods = self.pods(selector)
            return len(pods) == count and all(map(is_ready, pods))

        self.wait_until(check, f"{count} ready pods of {selector}", lambda: self.kubectl("get", "pods").out)
        return self.pods(selector)

    def wait_until(
        self,
        check: Callable[[], bool],
        expected: str,
        found: Callable[[], object] = lambda: "nothing else is known",
        patience: float = PATIENCE,
    ) -> None:
        """Ask until the answer is yes. After `patience` seconds the step fails with what was found."""
        patience *= self.times
        end = time.monotonic() + patience
        while not check():
            if time.monotonic() > end:
                raise StepFailedError(f"after {patience:g} s\n  found: {found()}\n  expected: {expected}")
            time.sleep(POLL)

    def within(self, seconds: float) -> str:
        """How kubectl is told to wait for so long."""
        return f"--timeout={seconds * self.times:g}s"

    def wait_shown(self, text: str, *arguments: str) -> None:
        """Until kubectl's output holds this text: a controller has yet to count what is ready."""

        def shown() -> bool:
            return text in self.kubectl(*arguments).out

        self.wait_until(
            shown, f"{text!r} in the output of kubectl {' '.join(arguments)}", lambda: self.kubectl(*arguments).out
        )

    def web_manifest(self) -> str:
        """The file of the web Deployment. On a busy machine it takes longer until nobody asks a pod that ends."""
        drain = min(MOST_DRAIN, int(DRAIN * self.times))
        if drain <= DRAIN:
            return str(MANIFESTS / "web.yaml")
        file = self.work / "web.yaml"
        file.write_text((MANIFESTS / "web.yaml").read_text().replace(f'value: "{DRAIN}"', f'value: "{drain}"'))
        return str(file)

    def node_address(self) -> str:
        return self.kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}").out


def _lost_connection(result: Result) -> bool:
    """Whether the command failed because nobody listened, or the listener ended."""
    said = result.err.lower()
    return any(sign in said for sign in LOST)


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def fetch(url: str, timeout: float) -> str:
    """The page at a URL, on a connection of its own. OSError when there is none."""
    with urllib.request.urlopen(url, timeout=timeout) as response:
        return str(response.read().decode()).strip()


def expect_page(url: str, text: str, timeout: float = 30.0) -> str:
    """The page at a URL, which must hold this text."""
    try:
        page = fetch(url, timeout)
    except (urllib.error.URLError, OSError) as error:
        raise StepFailedError(f"GET {url}\n  failed: {error}\n  expected: a page with {text!r}") from error
    if text not in page:
        raise StepFailedError(f"GET {url}\n  answered: {page}\n  expected: a page with {text!r}")
    return page


def expect(condition: object, found: object, expected: str) -> None:
    """Fail the step unless the condition holds."""
    if not condition:
        raise StepFailedError(f"found: {found}\n  expected: {expected}")
