"""nftables by its text language: libnftables in this process when it is there, the ``nft`` program otherwise."""

import ctypes
import subprocess
from typing import Protocol

from steersman.network.errors import NetworkError

_LIBRARY = "libnftables.so.1"


class NftError(NetworkError):
    """nftables refused a text; the message is nft's own."""


class Nft(Protocol):
    """Runs one text as one transaction: all of it holds afterwards, or none.

    An instance belongs to the network namespace of the thread that made it, and to one thread at a time.
    """

    def run(self, text: str) -> str:
        """Returns what nft printed (listings). Raises NftError."""
        ...

    def close(self) -> None: ...


class LibraryNft:
    """One long-lived libnftables context: a change costs a tenth of starting a program.

    Raises OSError when the library is missing.
    """

    def __init__(self, library: str = _LIBRARY) -> None:
        lib = ctypes.CDLL(library)
        lib.nft_ctx_new.restype = ctypes.c_void_p
        lib.nft_ctx_new.argtypes = [ctypes.c_uint32]
        lib.nft_ctx_free.restype = None
        for name in ("nft_ctx_free", "nft_ctx_buffer_output", "nft_ctx_buffer_error"):
            getattr(lib, name).argtypes = [ctypes.c_void_p]
        for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
            getattr(lib, name).argtypes = [ctypes.c_void_p]
            getattr(lib, name).restype = ctypes.c_char_p
        lib.nft_run_cmd_from_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self._lib = lib
        self._context: int | None = lib.nft_ctx_new(0)
        if not self._context:
            raise OSError("libnftables gave no context")
        lib.nft_ctx_buffer_output(self._context)
        lib.nft_ctx_buffer_error(self._context)

    def run(self, text: str) -> str:
        code = self._lib.nft_run_cmd_from_buffer(self._context, text.encode())
        # Reading a buffer empties it, so both are read whatever the outcome.
        output: bytes = self._lib.nft_ctx_get_output_buffer(self._context) or b""
        error: bytes = self._lib.nft_ctx_get_error_buffer(self._context) or b""
        if code != 0:
            raise NftError(_message(error.decode(errors="replace"), text))
        return output.decode(errors="replace")

    def close(self) -> None:
        if self._context:
            self._lib.nft_ctx_free(self._context)
            self._context = None


class ProgramNft:
    """``nft -f -`` for each transaction."""

    def __init__(self, program: str = "nft") -> None:
        self._program = program

    def run(self, text: str) -> str:
        try:
            done = subprocess.run([self._program, "-f", "-"], input=text, capture_output=True, text=True, check=False)
        except OSError as error:
            raise NftError(f"cannot run {self._program}: {error}") from error
        if done.returncode != 0:
            raise NftError(_message(done.stderr, text))
        return done.stdout

    def close(self) -> None:
        """Nothing is kept between two runs."""


def open_nft() -> Nft:
    """The fastest way to nftables that this machine has, in this thread's network namespace."""
    try:
        return LibraryNft()
    except OSError:
        return ProgramNft()


def _message(error: str, text: str) -> str:
    said = error.strip() or "no reason given"
    first = text.strip().partition("\n")[0]
    return f"nftables refused a change that starts with {first[:80]!r}: {said[:2000]}"
