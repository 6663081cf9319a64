"""A child that dies at a chosen system call: ptrace(2) by ctypes, so that nothing has to be installed.

Counted are the stops at entry and exit of every call that changes something outside the process — files, folders,
sockets, pipes. At an entry the call has not happened, at an exit it has and the process does not know it yet.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import struct
from collections.abc import Callable

from sqlalchemy import Engine

from tests.bids.crowd import Child, Tell, fork

_TRACEME, _SYSCALL, _SETOPTIONS, _SYSCALL_INFO = 0, 24, 0x4200, 0x420E
_SYSGOOD, _EXITKILL = 1, 0x100000
_NAMES = (
    *("write", "pwrite64", "writev", "sendto", "sendmsg", "fsync", "fdatasync", "ftruncate", "rename", "mkdir", "link"),
    *("unlink", "renameat", "linkat", "unlinkat", "mkdirat", "renameat2", "openat", "utimensat"),
)
_NUMBERS = {
    "x86_64": (1, 18, 20, 44, 46, 74, 75, 77, 82, 83, 86, 87, 264, 265, 263, 258, 316, 257, 280),
    "aarch64": (64, 68, 66, 206, 211, 82, 83, 46, -1, -1, -1, -1, 38, 37, 35, 34, 276, 56, 88),
}
CALLS = {nr: name for nr, name in zip(_NUMBERS[platform.machine()], _NAMES, strict=True) if nr >= 0}
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def _ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    answer = int(_libc.ptrace(request, pid, address, data))
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")
    return answer


def traced(engine: Engine, act: Callable[[Tell], None], *, kill_at: int | None) -> tuple[Child, list[str]]:
    """Run ``act`` in a child; SIGKILL at its stop number ``kill_at`` (from 0). Gives the child and all stops it made."""

    def watched(tell: Tell) -> None:
        _ptrace(_TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        act(tell)

    child = fork(engine, watched)
    stops: list[str] = []
    os.waitpid(child.pid, 0)
    _ptrace(_SETOPTIONS, child.pid, 0, _SYSGOOD | _EXITKILL)
    deliver, inside = 0, ""
    while True:
        _ptrace(_SYSCALL, child.pid, 0, deliver)
        _, status = os.waitpid(child.pid, 0)
        if not os.WIFSTOPPED(status):
            child.status = status
            return child, stops
        deliver = os.WSTOPSIG(status)
        if deliver != signal.SIGTRAP | 0x80:
            continue
        deliver = 0
        if inside:
            stops.append(f"{inside} done")
            inside = ""
        elif name := CALLS.get(_entered(child.pid), ""):
            stops.append(name)
            inside = name
        else:
            continue
        if kill_at is not None and len(stops) == kill_at + 1:
            os.kill(child.pid, signal.SIGKILL)
            child.status = os.waitpid(child.pid, 0)[1]
            return child, stops


def _entered(pid: int) -> int:
    """The number of the call that is being entered; −1 at an exit."""
    info = ctypes.create_string_buffer(88)
    _ptrace(_SYSCALL_INFO, pid, len(info), ctypes.addressof(info))
    return int(struct.unpack_from("<Q", info, 24)[0]) if info.raw[0] == 1 else -1
