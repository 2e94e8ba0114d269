"""A confined process, and all that it starts, reads what it was granted and nothing else."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from tests.materializer.execution.local.confinement.confined import confined

from upriver.materializer.execution.local.confinement import capabilities, landlock, seccomp
from upriver.materializer.execution.local.confinement.apply import offer
from upriver.materializer.execution.local.confinement.policy import Grants

pytestmark = pytest.mark.skipif(not offer().enforced, reason="this kernel can't enforce reads")

BEFORE = """
import ctypes, mmap, os, socket, subprocess, sys, tempfile, threading
libc = ctypes.CDLL(None, use_errno=True)
def failure(call):
    ctypes.set_errno(0)
    return os.strerror(ctypes.get_errno()) if call() < 0 else "possible"
def shell(text):
    return subprocess.run(["sh", "-c", text], capture_output=True, text=True).stdout
def in_thread(call):
    found = []
    def run():
        try:
            found.append(call())
        except OSError as error:
            found.append(error.strerror)
    thread = threading.Thread(target=run); thread.start(); thread.join()
    return found[0]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("in.csv", "other.csv", "parts/a.csv", "out/old.txt", "scratch/keep"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "link.csv").symlink_to("other.csv")
    os.link(tmp_path / "other.csv", tmp_path / "hard.csv")
    return tmp_path.resolve()


def granted(root: Path, **more: object) -> Grants:
    """The project's input, a folder to list, one to write into."""
    given: dict[str, object] = {
        "scratch": f"{root}/scratch",
        "inputs": (f"{root}/in.csv",),
        "folders": (f"{root}/parts",),
        "writes": (f"{root}/out",),
        **more,
    }
    return Grants(**given)  # type: ignore[arg-type]


def test_only_what_was_granted_can_be_read_or_written(project: Path) -> None:
    found = confined(
        project,
        granted(project),
        {
            "input": "open(f'{root}/in.csv').read()",
            "list": "os.listdir(f'{root}/parts')",
            "write": "open(f'{root}/out/new.txt', 'w').write('x')",
            "scratch": "open(f'{root}/scratch/new', 'w+').write('x')",
            "move": "os.rename(f'{root}/scratch/new', f'{root}/scratch/moved')",
            "null": "open('/dev/null', 'w').write('x')",
            "random": "len(open('/dev/urandom', 'rb').read(4))",
            "own": "len(open('/proc/self/maps').read()) > 0",
            "processors": "open('/proc/cpuinfo').read(1)",
            "zones": "len(__import__('zoneinfo').ZoneInfo('Europe/Berlin').key)",
            "library": "__import__('sqlite3').sqlite_version_info > (3,)",
            "program": "shell('echo fine')",
            "pair": "type(socket.socketpair()[0]).__name__",
        },
        before=BEFORE,
    )
    assert found == {
        "input": "'in.csv'",
        "list": "['a.csv']",
        "write": "1",
        "scratch": "1",
        "move": "None",
        "null": "1",
        "random": "4",
        "own": "True",
        "processors": repr(Path("/proc/cpuinfo").read_text()[0]),
        "zones": "13",
        "library": "True",
        "program": "'fine\\n'",
        "pair": "'socket'",
    }


DENIED = {
    "open": "open(f'{root}/other.csv')",
    "read_in_a_listed_folder": "open(f'{root}/parts/a.csv')",
    "list": "os.listdir(root)",
    "scan": "os.scandir(f'{root}/out')",
    "through_a_link": "open(f'{root}/link.csv')",
    "through_another_name": "open(f'{root}/hard.csv')",
    "read_of_what_may_be_written": "open(f'{root}/out/old.txt')",
    "write": "open(f'{root}/in.csv', 'a')",
    "new": "open(f'{root}/new.txt', 'w')",
    "remove": "os.remove(f'{root}/other.csv')",
    "folder": "os.mkdir(f'{root}/new')",
    "another_project": "open(f'{root}/../elsewhere.txt')",
    "temporary": "open('/tmp/x', 'w')",
    "shared_memory": "open('/dev/shm/x', 'w')",
    "environment_of_another": "open(f'/proc/{os.getppid()}/environ')",
    "environment_of_the_first": "open('/proc/1/environ')",
    "memory_of_another": "open(f'/proc/{os.getppid()}/mem')",
    "thread": "1 / (in_thread(lambda: open(f'{root}/other.csv').read()) != 'Permission denied')",
    "tcp": "socket.socket()",
    "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "unix": "socket.socket(socket.AF_UNIX)",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "raw": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "descriptor_of_a_folder": "os.open('other.csv', os.O_RDONLY, dir_fd=os.open(root, os.O_PATH))",
    "new_root": "os.chroot(root) or open('/other.csv')",
}


def test_everything_else_is_denied(project: Path) -> None:
    (project.parent / "elsewhere.txt").write_text("x")
    found = confined(project, granted(project), DENIED, before=BEFORE)
    assert {
        name: text
        for name, text in found.items()
        if not text.startswith(("PermissionError", "ZeroDivisionError"))
    } == {}


def test_programs_that_it_starts_are_confined_as_well(project: Path) -> None:
    asked = {
        "cat": "shell(f'cat {root}/other.csv')",
        "granted": "shell(f'cat {root}/in.csv')",
        "grandchild": 'shell(f\'sh -c "sh -c \\\\"cat {root}/other.csv\\\\""\')',
        "python": "shell(f'{sys.executable} -c \"print(open(chr(120))) \" 2>&1') .count('No such file')",
        "daemon": "shell(f'setsid cat {root}/other.csv')",
    }
    found = confined(project, granted(project), asked, before=BEFORE, cwd=project)
    assert found == {"cat": "''", "granted": "'in.csv'", "grandchild": "''", "python": "1", "daemon": "''"}


def test_native_code_is_confined(project: Path) -> None:
    path = "f'{root}/other.csv'.encode()"
    asked = {
        "open": f"failure(lambda: libc.open({path}, 0))",
        "openat": f"failure(lambda: libc.openat(-100, {path}, 0))",
        "creat": f"failure(lambda: libc.creat({path}, 0o600))",
        "opendir": "libc.opendir(root.encode())",
        "fopen": f"libc.fopen({path}, b'r')",
        "truncate": f"failure(lambda: libc.truncate({path}, 0))",
        "link": f"failure(lambda: libc.link({path}, f'{{root}}/scratch/l'.encode()))",
        "rename": f"failure(lambda: libc.rename({path}, f'{{root}}/scratch/l'.encode()))",
    }
    found = confined(project, granted(project), asked, before=BEFORE)
    assert (found.pop("opendir"), found.pop("fopen")) == ("0", "0")
    assert set(found.values()) <= {"'Permission denied'", "'Invalid cross-device link'"}, found
    assert (project / "other.csv").read_text() == "other.csv"


def test_ways_around_the_file_system_are_closed(project: Path) -> None:
    numbers = seccomp._NUMBERS[platform.machine()][1]
    asked = {
        name: f"failure(lambda: libc.syscall({number}, 0, 0, 0, 0, 0))" for name, number in numbers.items()
    }
    found = confined(project, granted(project), asked, before=BEFORE)
    allowed = {"'Operation not permitted'", "'Permission denied'", "'Function not implemented'"}
    assert {name: text for name, text in found.items() if text not in allowed} == {}
    assert found["io_uring_setup"] == "'Function not implemented'"


def test_a_file_that_was_opened_before_stays_open(project: Path) -> None:
    """So whoever confines a process has to close what is not its own first."""
    found = confined(
        project,
        granted(project),
        {"held": "held.read()"},
        before=f"held = open({str(project)!r} + '/other.csv')",
    )
    assert found == {"held": "'other.csv'"}


def test_a_granted_network_can_be_used(project: Path) -> None:
    asked = {
        "tcp": "server.getsockname()[0]",
        "connected": "socket.create_connection(('127.0.0.1', port)).close()",
    }
    before = "\n".join(
        [BEFORE, "server = socket.create_server(('127.0.0.1', 0))", "port = server.getsockname()[1]"]
    )
    assert confined(project, granted(project, network=True), asked, before=before) == {
        "tcp": "'127.0.0.1'",
        "connected": "None",
    }
    assert confined(project, granted(project), asked, before=before)["connected"].startswith(
        "PermissionError"
    )


def test_shared_memory_is_there_for_processes(project: Path) -> None:
    asked = {"lock": "type(__import__('multiprocessing').Lock()).__name__"}
    assert confined(project, granted(project, processes=True), asked)["lock"] == "'Lock'"
    assert confined(project, granted(project), asked)["lock"].startswith("PermissionError")


def test_an_ordinary_user_can_confine_itself(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.geteuid() != 0:
        pytest.skip("this is an ordinary user")
    # Whoever that is must be able to reach the interpreter, so only the system calls are tried.
    program = f"""
import ctypes, os, struct, sys
os.setgid(65534); os.setuid(65534)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
ruleset = libc.syscall(444, struct.pack("=Q", 8191), ctypes.c_size_t(8), ctypes.c_uint(0))
assert ruleset >= 0
assert libc.syscall(446, ruleset, 0) == 0
filter_ = {seccomp.program(platform.machine(), network=False)!r}
held = ctypes.create_string_buffer(filter_, len(filter_))
assert libc.prctl(22, 2, struct.pack("@HP", len(filter_) // 8, ctypes.addressof(held)), 0, 0) == 0
try:
    os.open("/etc/passwd", os.O_RDONLY)
except PermissionError:
    os.write(1, b"denied")
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, check=False, cwd="/"
    )
    assert done.stdout == b"denied", done.stderr


def test_a_process_with_threads_is_not_confined(project: Path) -> None:
    """A thread that runs already would stay free."""
    before = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()"
    with pytest.raises(AssertionError, match="ConfinementError: a process with 2 threads"):
        confined(project, granted(project), {}, before=before)


def test_what_a_kernel_lacks_is_told() -> None:
    assert landlock.Landlock(0, "none").missing[-1] == "abstract Unix sockets"
    assert landlock.Landlock(7).missing == ()
    assert "TCP" in landlock.Landlock(3).missing


@pytest.mark.parametrize("abi", [1, 2, 3, 4, 5, 6, 7])
def test_older_kernels_are_asked_for_no_more_than_they_know(abi: int, project: Path) -> None:
    """A kernel refuses bits and lengths that it does not know; a newer one takes those of the older."""
    before = (
        "from upriver.materializer.execution.local.confinement import landlock\n"
        f"landlock.offered = lambda: landlock.Landlock({min(abi, landlock.offered().abi)})"
    )
    asked = {"denied": "open(f'{root}/other.csv')", "input": "open(f'{root}/in.csv').read()"}
    found = confined(project, granted(project), asked, before=before)
    assert found["denied"].startswith("PermissionError")
    assert found["input"] == "'in.csv'"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("network", [False, True])
def test_a_filter_is_a_list_of_instructions_that_ends_by_allowing(machine: str, network: bool) -> None:
    made = seccomp.program(machine, network=network)
    assert len(made) % 8 == 0
    assert len(made) // 8 < 4096  # the kernel's limit
    assert made[-8:-4] == b"\x06\x00\x00\x00"
    assert made[-4:] == (0x7FFF0000).to_bytes(4, sys.byteorder)


def test_a_rule_for_what_is_not_there_is_no_error() -> None:
    program = (
        "from upriver.materializer.execution.local.confinement import landlock as l\n"
        "from upriver.materializer.execution.local.confinement.policy import Access, Rule\n"
        "l.restrict([Rule('/nowhere/at/all', Access.READ), Rule('/etc/passwd', Access.MAKE)], network=False)\n"
        "print('fine')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "fine\n"


def test_root_gives_up_the_capabilities_that_read_past_file_rights(project: Path) -> None:
    """What it starts has them no more either: an ordinary user has none from the beginning."""
    held = "int([line for line in TEXT.splitlines() if line.startswith(KIND)][0].split()[1], 16)"
    asked = {
        f"{place} {kind}": held.replace("TEXT", text).replace("KIND", repr(kind))
        for place, text in (
            ("own", "open('/proc/self/status').read()"),
            ("started", "shell('cat /proc/self/status')"),
        )
        for kind in ("CapPrm", "CapEff")
    }
    found = confined(project, granted(project, processes=True), asked, before=BEFORE)
    assert all(int(value) & capabilities.MASK == 0 for value in found.values()), found
