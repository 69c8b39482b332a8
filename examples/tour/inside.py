"""Ways into a running container: logs, exec with and without a terminal, cp and port-forward."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator

from commands import MANIFESTS, Cluster, StepFailedError, expect, expect_page

PATIENCE = 60.0
ROWS, COLUMNS = 33, 101


@contextlib.contextmanager
def running(cluster: Cluster, *arguments: str, terminal: int | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    """kubectl in the background, ended at the latest with the block."""
    command = [cluster.kubectl_path, *arguments]
    streams = subprocess.PIPE if terminal is None else terminal
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=streams,
        stderr=subprocess.STDOUT if terminal is None else terminal,
        env=cluster.environment,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def read_until(fd: int, text: str, sofar: str = "") -> str:
    """Everything read from `fd` until `text` has come."""
    end = time.monotonic() + PATIENCE
    while text not in sofar:
        ready, _, _ = select.select([fd], [], [], max(0.0, end - time.monotonic()))
        try:
            data = os.read(fd, 65536) if ready else b""
        except OSError:  # a terminal whose other side is closed
            data = b""
        if not data:
            raise StepFailedError(f"read: {sofar!r}\n  expected: {text!r} within {PATIENCE:g} s")
        sofar += data.decode(errors="replace")
    return sofar


def follow_logs(cluster: Cluster) -> None:
    """`logs -f` until the container ends, `--tail`, `--since` and `--timestamps`."""
    cluster.kubectl("delete", "pod", "counter", "--ignore-not-found")
    cluster.kubectl("apply", "-f", str(MANIFESTS / "counter.yaml")).expect("pod/counter created")
    cluster.wait_until(
        lambda: cluster.jsonpath("pod", "counter", ".status.phase") in {"Running", "Succeeded"}, "counter Running"
    )
    followed = cluster.kubectl("logs", "-f", "counter")
    expect(followed.out.split() == [str(number) for number in range(1, 31)], followed.out, "the numbers 1 to 30")
    tail = cluster.kubectl("logs", "counter", "--tail=2").out.split()
    expect(tail == ["29", "30"], tail, "the last two lines")
    stamped = cluster.kubectl("logs", "counter", "--tail=1", "--timestamps").out
    expect("T" in stamped and stamped.endswith("Z 30\n"), stamped, "a time and the line 30")
    expect(cluster.kubectl("logs", "counter", "--since=1h").out == followed.out, "less", "every line of the last hour")
    cluster.kubectl("delete", "pod", "counter")


def exec_exit_code(cluster: Cluster) -> None:
    """`exec` with an exit code, and both outputs apart."""
    done = cluster.kubectl("exec", "client", "--", "sh", "-c", "echo out; echo err >&2; exit 7", code=7)
    expect(done.out == "out\n", done.out, "'out' on standard output")
    expect("err\n" in done.err and "exit code 7" in done.err, done.err, "'err' and the exit code on standard error")
    cluster.kubectl("exec", "client", "--", "no-such-program", code=None).expect("no-such-program")
    cluster.kubectl("exec", "no-such-pod", "--", "true", code=1).expect('pods "no-such-pod" not found')


def exec_stdin(cluster: Cluster) -> None:
    """`exec -i` passes standard input and its end."""
    text = "".join(f"line {number}\n" for number in range(100_000))
    done = cluster.kubectl("exec", "-i", "client", "--", "md5sum", stdin=text)
    local = cluster.run(["md5sum"], stdin=text)
    expect(done.out.split()[0] == local.out.split()[0], done.out, f"the checksum {local.out.split()[0]}")


def exec_tty(cluster: Cluster) -> None:
    """`exec -it`: a terminal with its size, echo, ^C and exit code."""
    ours, theirs = pty.openpty()
    try:
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        with running(cluster, "exec", "-it", "client", "--", "sh", terminal=theirs) as process:
            # From here on its end is the terminal's end.
            os.close(theirs)
            read_until(ours, "$ ")
            os.write(ours, b"tty; stty size\r")
            read_until(ours, f"{ROWS} {COLUMNS}")
            fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS + 5, COLUMNS, 0, 0))
            process.send_signal(signal.SIGWINCH)
            _size_arrives(ours, f"{ROWS + 5} {COLUMNS}")
            # Said by the process that ^C is for: the shell itself, before it has started one, would swallow it.
            os.write(ours, b"sh -c 'echo begun; exec sleep 1000'\r")
            read_until(ours, "\nbegun")
            os.write(ours, b"\x03")
            read_until(ours, "$ ")
            os.write(ours, b"exit 3\r")
            code = process.wait(PATIENCE)
            expect(code == 3, code, "exit code 3")
    finally:
        os.close(ours)


def _size_arrives(terminal: int, size: str) -> None:
    """The news of a resize takes its way beside the input: ask until it has come."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        os.write(terminal, b"stty size; echo as''ked\r")
        if size in read_until(terminal, "\nasked"):
            return
        time.sleep(0.1)
    raise StepFailedError(f"the terminal's size did not become {size}")


def copy_both_ways(cluster: Cluster) -> None:
    """`cp` of a directory into a pod and back."""
    source, back = cluster.work / "there", cluster.work / "back"
    source.mkdir(exist_ok=True)
    (source / "small.txt").write_text("a small file\n")
    (source / "large.bin").write_bytes(os.urandom(3_000_000))
    # Into a directory that is there already, kubectl would copy the directory itself.
    remove = ("exec", "client", "--", "rm", "-rf", "/tmp/copied")
    cluster.kubectl(*remove)
    cluster.kubectl("cp", str(source), "default/client:/tmp/copied", undo=remove)
    cluster.kubectl("exec", "client", "--", "cat", "/tmp/copied/small.txt").expect("a small file")
    cluster.kubectl("cp", "default/client:/tmp/copied", str(back))
    for name in ("small.txt", "large.bin"):
        same = (back / name).read_bytes() == (source / name).read_bytes()
        expect(same, f"{name} differs", f"{name} as it was")


def port_forward(cluster: Cluster) -> None:
    """`port-forward` to a pod and to a Service, several requests through each."""
    for target in ("deployment/web", "service/web"):
        port = "80" if target.startswith("service") else "8080"
        with running(cluster, "port-forward", target, f":{port}") as process:
            assert process.stdout is not None
            said = read_until(process.stdout.fileno(), "Forwarding from 127.0.0.1:")
            said = read_until(process.stdout.fileno(), " ->", said)
            local = said.partition("127.0.0.1:")[2].partition(" ")[0]
            for _ in range(5):
                expect_page(f"http://127.0.0.1:{local}/", "hello from web-")
