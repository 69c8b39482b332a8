"""The pod sandbox's own image: one static program of a few machine instructions that waits for ever.

It has to keep the pod's namespaces open, and, as process 1 of a shared process namespace, to leave no zombies:
a process that ignores SIGCHLD has its children reaped by the kernel.
"""

from __future__ import annotations

import struct

from steersman.kubelet.archive import Entry, ImageContent, architecture

PAUSE_IMAGE = "localhost/steersman/pause:1"

_ELF_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_BASE = 0x400000
_MACHINES = {"amd64": 62, "arm64": 183}

# struct sigaction in the kernel's layout: handler SIG_IGN, then zero flags, restorer and mask.
_SIGACTION = struct.pack("<QQQQ", 1, 0, 0, 0)

# Each piece of code ends where the sigaction begins and finds it by a distance relative to itself.
_AMD64 = b"".join(
    [
        bytes.fromhex("b80d000000"),  # mov  eax, 13          rt_sigaction
        bytes.fromhex("bf11000000"),  # mov  edi, 17          SIGCHLD
        bytes.fromhex("488d3518000000"),  # lea  rsi, [rip+24]    the sigaction below
        bytes.fromhex("31d2"),  # xor  edx, edx         no old action
        bytes.fromhex("41ba08000000"),  # mov  r10d, 8          size of a signal mask
        bytes.fromhex("0f05"),  # syscall
        bytes.fromhex("b822000000"),  # mov  eax, 34          pause
        bytes.fromhex("0f05"),  # syscall
        bytes.fromhex("ebf7"),  # jmp  back to mov eax, 34
        bytes.fromhex("9090909090"),  # nop  padding
    ]
)
_ARM64 = struct.pack(
    "<13I",
    0xD28010C8,  # mov  x8, #134          rt_sigaction
    0xD2800220,  # mov  x0, #17           SIGCHLD
    0x10000161,  # adr  x1, #44           the sigaction below
    0xD2800002,  # mov  x2, #0            no old action
    0xD2800103,  # mov  x3, #8            size of a signal mask
    0xD4000001,  # svc  #0
    0xD2800928,  # mov  x8, #73           ppoll; there is no pause here
    0xAA1F03E0,  # mov  x0, xzr           no descriptors
    0xD2800001,  # mov  x1, #0            and none of them
    0xD2800002,  # mov  x2, #0            no time limit
    0xD2800003,  # mov  x3, #0            no signal mask
    0xD4000001,  # svc  #0
    0x17FFFFFA,  # b    back to mov x8, #73
)
_CODE = {"amd64": _AMD64, "arm64": _ARM64}


def pause_program(machine: str) -> bytes:
    """A static ELF executable for `amd64` or `arm64`; ValueError for another machine."""
    if machine not in _CODE:
        raise ValueError(f"no pause program for {machine}")
    body = _CODE[machine] + _SIGACTION
    start = _ELF_HEADER.size + _PROGRAM_HEADER.size
    header = _ELF_HEADER.pack(
        b"\x7fELF\x02\x01\x01",  # 64-bit, little endian, version 1
        2,  # an executable
        _MACHINES[machine],
        1,
        _BASE + start,  # entry point
        _ELF_HEADER.size,  # program headers follow this one
        0,  # no sections
        0,
        _ELF_HEADER.size,
        _PROGRAM_HEADER.size,
        1,
        0,
        0,
        0,
    )
    size = start + len(body)
    segment = _PROGRAM_HEADER.pack(1, 5, 0, _BASE, _BASE, size, size, 0x1000)  # load, read and execute
    return header + segment + body


def pause_image(machine: str = "") -> ImageContent:
    """The image for that architecture, by default this machine's."""
    machine = machine or architecture()
    program = Entry(path="/pause", data=pause_program(machine), mode=0o755)
    return ImageContent(
        name=PAUSE_IMAGE, layers=[[program]], entrypoint=["/pause"], user="65535:65535", architecture=machine
    )
