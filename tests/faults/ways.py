"""Ways to read a file or a variable that no declaration names, and what becomes of each.

Each is the body of a recipe that sets ``value``. ``docs/faults.md`` has the table of them; a test compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from textwrap import dedent, indent

from tests.heavy import lacking


class Fate(StrEnum):
    """What becomes of an asset that reads so, when what it reads is changed."""

    REBUILT = "rebuilt"
    DENIED = "denied with words"
    WITHOUT = "denied, with a value that does not depend on it"


@dataclass(frozen=True)
class Way:
    """One way. *module* stands before the recipe, *options* in its decorator; *says* is in the words of a denial."""

    name: str
    fate: Fate
    body: str
    group: str = ""
    module: str = ""
    options: str = ""
    says: str = ""

    @property
    def scientific(self) -> bool:
        """Whether it reads with a library of the heavy part `science`."""
        return "pandas" in self.body

    def text(self) -> str:
        """The module that declares an asset of this name."""
        return _TEMPLATE.format(
            module=dedent(self.module),
            options=self.options,
            name=self.name,
            body=indent(dedent(self.body).strip(), "    "),
        )


_TEMPLATE = """\
import ctypes, io, json, mmap, multiprocessing, os, socket, sqlite3, stat, string, subprocess, sys, tempfile, threading
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path

import duckdb
import numpy
import polars as pl
import pyarrow as pa

from upriver.assets import asset

OUTSIDE = str(Path(__file__).parents[2] / "outside.csv")


def libc():
    return ctypes.CDLL(None, use_errno=True)


def read_natively(path):
    opened = libc().open(path.encode(), 0)
    return os.read(opened, 100) if opened >= 0 else "nothing"


{module}


@asset({options})
def {name}() -> pl.DataFrame:
{body}
    return pl.DataFrame({{"value": [repr(value)]}})
"""

R, D, W = Fate.REBUILT, Fate.DENIED, Fate.WITHOUT
_FOUND: list[Way] = []


def _group(group: str, fate: Fate, ways: dict[str, str], says: str = "", options: str = "") -> None:
    for name, body in ways.items():
        body = body if "value" in body else f"value = {body}"
        _FOUND.append(Way(name, fate, body, group, "", options, says))


_group(
    "Python opens a file",
    R,
    {
        "open_text": 'open("data/one.txt").read()',
        "open_bytes": 'open("data/one.txt", "rb").read()',
        "path_read_text": 'Path("data/one.txt").read_text()',
        "path_from_here": 'Path(__file__).parent.parent.joinpath("data", "one.txt").read_text()',
        "os_open": 'os.read(os.open("data/one.txt", os.O_RDONLY), 100)',
        "file_io": 'io.FileIO("data/one.txt").read()',
        "codecs_open": '__import__("codecs").open("data/one.txt", encoding="utf-8").read()',
        "line_cache": '__import__("linecache").getlines("data/one.txt")',
        "file_input": 'list(__import__("fileinput").input("data/one.txt"))',
        "get_data": '__import__("pkgutil").get_data("package", "one.txt")',
        "resources": '__import__("importlib.resources").resources.files("package").joinpath("one.txt").read_text()',
        "exec_text": 'names = {}; exec(open("data/code.txt").read(), names); value = names["X"]',
        "run_path": '__import__("runpy").run_path("data/code.txt")["X"]',
        "mapped": 'value = mmap.mmap(os.open("data/one.txt", os.O_RDONLY), 0, prot=mmap.PROT_READ)[:]',
        "zip_file": '__import__("zipfile").ZipFile("data/one.zip").read("one.txt")',
        "gzip_file": '__import__("gzip").open("data/one.gz").read()',
        "toml_file": '__import__("tomllib").load(open("data/one.toml", "rb"))',
        "ini_file": 'p = __import__("configparser").ConfigParser(); p.read("data/one.ini"); value = p["a"]["b"]',
        "copied": """
            with tempfile.NamedTemporaryFile() as to:
                __import__("shutil").copyfile("data/one.txt", to.name)
                value = Path(to.name).read_text()
        """,
        "send_file": """
            a, b = socket.socketpair()
            os.sendfile(a.fileno(), os.open("data/one.txt", os.O_RDONLY), 0, 100)
            value = b.recv(100)
        """,
        "copy_file_range": """
            with tempfile.TemporaryFile() as to:
                os.copy_file_range(os.open("data/one.txt", os.O_RDONLY), to.fileno(), 100)
                to.seek(0)
                value = to.read()
        """,
        "relative_to_a_folder": """
            folder = os.open("data", os.O_PATH)
            value = os.read(os.open("one.txt", os.O_RDONLY, dir_fd=folder), 100)
        """,
        "after_chdir": """
            os.chdir("data")
            value = open("one.txt").read()
        """,
        "caught": """
            try:
                value = open("data/one.txt").read()
            except OSError:
                value = "nothing"
        """,
        "through_proc_cwd": 'open("/proc/self/cwd/data/one.txt").read()',
        "through_proc_root": 'open(f"/proc/self/root{os.getcwd()}/data/one.txt").read()',
        "through_proc_fd": """
            first = os.open("data/one.txt", os.O_RDONLY)
            value = open(f"/proc/self/fd/{first}").read()
        """,
    },
)
_group(
    "Python asks first",
    R,
    {
        "exists_then_open": 'p = Path("data/one.txt"); value = p.read_text() if p.exists() else 0',
        "isfile_then_polars": 'p = "data/t.csv"; value = pl.read_csv(p).rows() if os.path.isfile(p) else 0',
        "isdir_then_list": 'value = sorted(os.listdir("data/parts")) if os.path.isdir("data/parts") else 0',
        "access_then_open": 'p = "data/one.txt"; value = open(p).read() if os.access(p, os.R_OK) else 0',
        "is_file_then_duckdb": 'value = duckdb.sql("from \'data/t.csv\'").fetchall() if Path("data/t.csv").is_file() else 0',
        "exists_alone": 'Path("data/parts/two.csv").exists()',
        "size": 'os.stat("data/one.txt").st_size',
        "read_link": 'os.readlink("data/link.txt")',
        "real_path": 'os.path.realpath("data/link.txt")[-10:]',
        "resolved": 'str(Path("data/now/one.txt").resolve())[-10:]',
        "same_file": 'os.path.samefile("data/link.txt", "data/v1/one.txt")',
        "link_exists": 'os.path.lexists("data/parts/two.csv")',
        "compared": '__import__("filecmp").cmp("data/one.txt", "data/v1/one.txt", shallow=False)',
    },
)
_group(
    "Python lists a folder",
    R,
    {
        "list_folder": 'sorted(os.listdir("data/parts"))',
        "scan_folder": 'sorted(one.name for one in os.scandir("data/parts"))',
        "scan_sizes": 'sorted(one.stat().st_size for one in os.scandir("data/parts"))',
        "walk": "[sorted(files) for _, _, files in os.walk('data/parts')]",
        "path_iterdir": 'sorted(one.name for one in Path("data/parts").iterdir())',
        "path_glob": 'sorted(one.name for one in Path("data/parts").glob("*.csv"))',
        "path_rglob": 'sorted(one.read_text() for one in Path("data").rglob("*.part"))',
        "glob_glob": 'sorted(glob("data/parts/*.csv"))',
        "list_project": 'sorted(one for one in os.listdir(".") if one.startswith("top"))',
        "glob_project": 'sorted(one.name for one in Path(".").glob("top*"))',
        "walk_by_number": '[sorted(files) for _, _, files, _ in os.fwalk("data/parts")]',
        "listed_in_vain": 'list(__import__("glob").iglob("data/parts/*wo.csv"))',
        "matched_in_vain": 'sorted(one.name for one in Path("data").glob("**/tw*.csv"))',
        "modules_in_a_folder": 'len(list(__import__("pkgutil").iter_modules(["later"])))',
        "folder_descriptor": 'sorted(os.listdir(os.open("data/parts", os.O_RDONLY)))',
    },
)
_group(
    "a library opens a file",
    R,
    {
        "polars_read": 'pl.read_csv("data/t.csv").rows()',
        "polars_scan": 'pl.scan_csv("data/t.csv").collect().rows()',
        "polars_pattern": 'pl.scan_csv("data/parts/*.csv").collect().rows()',
        "polars_parquet": 'pl.read_parquet("data/t.parquet").rows()',
        "polars_folder": 'pl.scan_parquet("data/folder").collect().rows()',
        "polars_by_number": 'pl.read_csv(open("data/t.csv", "rb")).rows()',
        "duckdb_sql": "duckdb.sql(\"from 'data/t.csv'\").fetchall()",
        "duckdb_connection": "duckdb.connect().execute(\"select * from read_text('data/one.txt')\").fetchall()",
        "duckdb_pattern": "duckdb.sql(\"select x from 'data/parts/*.csv' order by x\").fetchall()",
        "duckdb_glob": "sorted(duckdb.sql(\"from glob('data/parts/*')\").fetchall())",
        "duckdb_glob_in_vain": "duckdb.sql(\"from glob('data/parts/tw*')\").fetchall()",
        "duckdb_copy": """
            c = duckdb.connect(); c.execute("create table t (x varchar)"); c.execute("copy t from 'data/t.csv'")
            value = c.sql("from t").fetchall()
        """,
        "duckdb_parameter": 'duckdb.connect().execute("from read_csv($p)", {"p": "data/t.csv"}).fetchall()',
        "duckdb_list": "duckdb.sql(\"from read_csv(['data/t.csv'])\").fetchall()",
        "polars_database": 'pl.read_database("select * from t", sqlite3.connect("data/t.db")).rows()',
        "numpy_genfromtxt": 'numpy.genfromtxt("data/numbers.txt").tolist()',
        "duckdb_variable": """
            c = duckdb.connect(); c.execute("set variable p = 'data/t.csv'")
            value = c.sql("from read_csv(getvariable('p'))").fetchall()
        """,
        "duckdb_search_path": """
            c = duckdb.connect(); c.execute("set file_search_path = 'data'")
            value = c.sql("from 't.csv'").fetchall()
        """,
        "duckdb_database": 'duckdb.connect("data/d.duckdb", read_only=True).sql("from t").fetchall()',
        "sqlite": 'sqlite3.connect("data/t.db").execute("select * from t").fetchall()',
        "sqlite_uri": 'sqlite3.connect("file:data/t.db?mode=ro", uri=True).execute("select * from t").fetchall()',
        "sqlite_attach": """
            c = sqlite3.connect(":memory:"); c.execute("attach 'data/t.db' as o")
            value = c.execute("select * from o.t").fetchall()
        """,
        "arrow_csv": 'value = __import__("pyarrow.csv").csv.read_csv("data/t.csv").to_pydict()',
        "arrow_os_file": 'pa.OSFile("data/one.txt").read()',
        "arrow_mapped": 'pa.memory_map("data/one.txt").read()',
        "arrow_file_system": """
            import pyarrow.fs
            value = pyarrow.fs.LocalFileSystem().open_input_stream("data/one.txt").read()
        """,
        "arrow_dataset": """
            import pyarrow.dataset
            value = pyarrow.dataset.dataset("data/t.parquet").to_table().to_pydict()
        """,
        "numpy_loadtxt": 'numpy.loadtxt("data/numbers.txt").tolist()',
        "numpy_fromfile": 'numpy.fromfile("data/one.txt", dtype="u1").tolist()',
        "numpy_memmap": 'bytes(numpy.memmap("data/one.txt", dtype="u1", mode="r"))',
        "pandas_csv": '__import__("pandas").read_csv("data/t.csv").to_dict()',
        "pandas_parquet": '__import__("pandas").read_parquet("data/t.parquet").to_dict()',
    },
)
_group(
    "a thread or a program reads",
    R,
    {
        "pool_read_text": 'list(ThreadPoolExecutor().map(Path.read_text, [Path("data/one.txt")]))',
        "pool_submit": 'ThreadPoolExecutor().submit(Path("data/one.txt").read_text).result()',
        "pool_polars": '[one.rows() for one in ThreadPoolExecutor().map(pl.read_csv, ["data/t.csv"])]',
        "thread": """
            found = []
            t = threading.Thread(target=lambda: found.append(open("data/one.txt").read())); t.start(); t.join()
            value = found
        """,
        "program_argument": 'subprocess.check_output(["cat", "data/one.txt"])',
        "program_in_shell": 'subprocess.check_output("cat data/one.txt", shell=True)',
        "program_silent": 'subprocess.run(["cat", "data/one.txt"], capture_output=True).stdout',
        "program_own_way": 'subprocess.check_output(["xargs", "cat"], input=b"data/one.txt")',
        "program_folder": 'subprocess.check_output(["cat", "one.txt"], cwd="data")',
        "async_thread": '__import__("asyncio").run(__import__("asyncio").to_thread(Path("data/one.txt").read_text))',
        "spawned": """
            r, w = os.pipe()
            to_pipe = [(os.POSIX_SPAWN_DUP2, w, 1)]
            os.waitpid(os.posix_spawn("/bin/cat", ["cat", "data/one.txt"], {}, file_actions=to_pipe), 0)
            os.close(w); value = os.read(r, 100)
        """,
        "program_failure_caught": """
            try:
                value = subprocess.check_output(["awk", "1", "data/one.txt"], stderr=subprocess.DEVNULL)
            except subprocess.CalledProcessError:
                value = None
        """,
        "os_popen": 'os.popen("cat data/one.txt").read()',
        "python_program": "subprocess.check_output([sys.executable, 'data/tool.py'])",
        "grandchild": """
            inner = "import subprocess; print(subprocess.check_output(['cat', 'data/one.txt']))"
            value = subprocess.check_output([sys.executable, "-c", inner])
        """,
        "forked": """
            r, w = os.pipe()
            if not os.fork():
                try:
                    os.write(w, open("data/one.txt", "rb").read())
                except OSError as error:
                    print(error, file=sys.stderr, flush=True)
                os._exit(0)
            os.wait(); os.close(w); value = os.read(r, 100); assert value
        """,
    },
)
_group(
    "a link leads to it",
    R,
    {
        "soft_link": 'open("data/link.txt").read()',
        "soft_link_polars": 'pl.read_csv("data/link.csv").rows()',
        "soft_link_duckdb": "duckdb.sql(\"from 'data/link.csv'\").fetchall()",
        "soft_link_program": 'subprocess.check_output(["cat", "data/link.txt"])',
        "folder_link": 'open("data/now/one.txt").read()',
        "folder_link_list": 'sorted(os.listdir("data/now"))',
        "hard_link": 'open("data/hard.txt").read()',
    },
)
_group(
    "a module is looked for",
    R,
    {
        "import_in_vain": """
            try:
                import later_module
                value = later_module.X
            except ImportError:
                value = 0
        """,
        "import_by_text": """
            try:
                value = __import__("later" + "_module").X
            except ImportError:
                value = 0
        """,
        "spec_in_vain": '__import__("importlib.util").util.find_spec("later_module") is not None',
    },
)
_FOUND += [
    Way(f"module_{name}", R, f"value = {body}", "a module reads while it is imported", module)
    for name, module, body in (
        ("text", 'REF = open("data/one.txt").read()', "REF"),
        ("handle", 'REF = open("data/one.txt")', "REF.read()"),
        ("generator", 'REF = (line for line in open("data/one.txt"))', "list(REF)"),
        ("scan", 'REF = pl.scan_parquet("data/t.parquet")', "REF.collect().rows()"),
        ("duckdb", 'REF = duckdb.connect("data/d.duckdb", read_only=True)', 'REF.sql("from t").fetchall()'),
        ("relation", "REF = duckdb.sql(\"from 'data/t.csv'\")", "REF.fetchall()"),
        ("sqlite", 'REF = sqlite3.connect("data/t.db")', 'REF.execute("select * from t").fetchall()'),
        (
            "dataset",
            'import pyarrow.dataset\nREF = pyarrow.dataset.dataset("data/t.parquet")',
            "REF.to_table().to_pydict()",
        ),
        ("zip", 'import zipfile\nREF = zipfile.ZipFile("data/one.zip")', 'REF.read("one.txt")'),
        (
            "mapped",
            'REF = mmap.mmap(os.open("data/one.txt", os.O_RDONLY), 0, prot=mmap.PROT_READ)',
            "REF[:]",
        ),
        ("exec", 'REF = {}\nexec(open("data/code.txt").read(), REF)', 'REF["X"]'),
        ("variable", 'REF = os.environ["UPRIVER_WAY"]', "REF"),
        ("helper", "import helper", "helper.REF.read()"),
    )
]
_group(
    "a variable is asked for by its name",
    R,
    {
        "environ": 'os.environ["UPRIVER_WAY"]',
        "environ_get": 'os.environ.get("UPRIVER_WAY")',
        "getenv": 'os.getenv("UPRIVER_WAY")',
        "environb": 'os.environb[b"UPRIVER_WAY"]',
        "getenvb": 'os.getenvb(b"UPRIVER_WAY")',
        "expand": 'os.path.expandvars("$UPRIVER_WAY")',
        "template": 'string.Template("$UPRIVER_WAY").substitute(os.environ)',
        "set_by_default": 'os.environ.setdefault("UPRIVER_WAY", "x")',
        "popped": 'os.environ.pop("UPRIVER_WAY", None)',
        "mapped_get": 'list(map(os.environ.get, ["UPRIVER_WAY"]))',
        "pool_get": 'list(ThreadPoolExecutor().map(os.environ.get, ["UPRIVER_WAY"]))',
        "is_set": '"UPRIVER_LATER" in os.environ',
    },
)
_group(
    "a variable is declared",
    R,
    {"declared": 'subprocess.check_output(["printenv", "UPRIVER_WAY"])'},
    options="environment=['UPRIVER_W*']",
)
_group(
    "a file is declared",
    R,
    {
        "declared_reads": 'read_natively("data/one.txt")',
        "declared_pattern": "[read_natively(f'data/parts/{one}.csv') for one in ('one', 'two')]",
    },
    options="reads=['data/one.txt', 'data/parts/*.csv']",
)
_group(
    "all variables are taken",
    W,
    {
        "environ_listed": 'sorted(one for one in os.environ if "WAY" in one)',
        "environ_copied": 'dict(os.environ).get("UPRIVER_WAY")',
        "environ_merged": '(os.environ | {}).get("UPRIVER_WAY")',
        "environ_unpacked": 'len([one for one in {**os.environ} if "UPRIVER_WAY" in one])',
        "environ_items": '[v for k, v in os.environ.items() if k == "UPRIVER_WAY"]',
        "posix_environ": '__import__("posix").environ.get(b"UPRIVER_WAY")',
        "native_getenv": "libc().getenv(b'UPRIVER_WAY')",
        "program_env": 'subprocess.run(["printenv", "UPRIVER_WAY"], capture_output=True).stdout',
        "proc_environ": 'open("/proc/self/environ", "rb").read().count(b"UPRIVER_WAY=another")',
    },
)
_group(
    "native code reads and hides the error",
    W,
    {
        "native_open": 'read_natively("data/one.txt")',
        "native_fopen": "libc().fopen(b'data/one.txt', b'r')",
        "native_opendir": "libc().opendir(b'data/parts')",
        "native_link": 'read_natively("data/link.txt")',
        "native_hard_link": 'read_natively("data/hard.txt")',
        "native_thread": 'ThreadPoolExecutor().submit(read_natively, "data/one.txt").result()',
        "native_openat2": """
            how = (ctypes.c_uint64 * 3)(0, 0, 0)
            value = libc().syscall(437, -100, b"data/one.txt", how, 24)
        """,
        "native_io_uring": "libc().syscall(425, 8, ctypes.create_string_buffer(200))",
        "native_by_handle": "libc().syscall(304, -100, ctypes.create_string_buffer(200), 0)",
        "native_memory_of_another": """
            there = ctypes.create_string_buffer(64)
            value = libc().syscall(310, os.getppid(), there, 1, there, 1, 0)
        """,
        "native_descriptor_of_another": "libc().syscall(438, libc().syscall(434, os.getppid(), 0), 0, 0)",
        "native_trace": "libc().ptrace(16, os.getppid(), 0, 0)",
        "native_shared_memory": "libc().shmget(4711, 4096, 0)",
        "native_message_queue": "libc().msgget(4711, 0)",
        "inherited_descriptors": """
            value = []
            for one in range(3, 64):
                try:
                    kind = os.fstat(one).st_mode
                except OSError:
                    continue
                if stat.S_ISREG(kind):
                    value.append(os.pread(one, 10, 0))
        """,
        "fork_swallows": """
            r, w = os.pipe()
            if not os.fork():
                try:
                    os.write(w, open("data/one.txt", "rb").read())
                except OSError:
                    os.write(w, b"nothing")
                os._exit(0)
            os.wait(); value = os.read(r, 100)
        """,
        "python_swallows": """
            inner = "try: print(open('data/one.txt').read())\\nexcept OSError: print('nothing')"
            value = subprocess.check_output([sys.executable, "-c", inner])
        """,
        "shell_pattern": "subprocess.run('echo data/parts/*', shell=True, capture_output=True).stdout",
        "program_finds": "subprocess.run(['find', 'data/parts'], capture_output=True).stdout",
        "program_swallows": "subprocess.run('x=$(cat $(echo data/o)ne.txt) 2>/dev/null; echo $x', shell=True, capture_output=True).stdout",
    },
)
_group(
    "it lies outside of the project",
    D,
    {"outside": "open(OUTSIDE).read()", "outside_native": "pl.read_csv(OUTSIDE)"},
    "is outside of the project",
)
_group(
    "it is Upriver's own",
    D,
    {"state": 'open(".upriver/state.db", "rb").read(10)', "artifact": 'glob(".upriver/store/*/*")'},
    "Upriver's own",
)
_group(
    "another process offers it",
    D,
    {
        "tcp": 'socket.create_connection(("127.0.0.1", 9))',
        "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "unix_socket": 'socket.socket(socket.AF_UNIX).connect("/tmp/none")',
        "name_lookup": 'socket.getaddrinfo("localhost", 80)',
    },
    "network=True",
)
_group(
    "another process offers it",
    D,
    {
        "shared_memory": 'open("/dev/shm/upriver-way").read()',
        "environment_of_another": 'open(f"/proc/{os.getppid()}/environ", "rb").read()',
        "memory_of_another": 'open(f"/proc/{os.getppid()}/mem", "rb").read(10)',
        "descriptor_of_another": 'open(f"/proc/{os.getppid()}/fd/0").read()',
        "raw_socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    },
    "ermission denied",
)
_group(
    "another process offers it, and the recipe may look at processes",
    D,
    {
        "environment_of_parent": 'open(f"/proc/{os.getppid()}/environ", "rb").read()',
        "memory_of_parent": 'open(f"/proc/{os.getppid()}/mem", "rb").read(10)',
        "descriptor_of_parent": 'open(f"/proc/{os.getppid()}/fd/0").read()',
        "folder_of_parent": 'open(f"/proc/{os.getppid()}/cwd/data/one.txt").read()',
        "root_of_parent": 'open(f"/proc/{os.getppid()}/root{os.getcwd()}/data/one.txt").read()',
        "maps_of_parent": 'open(f"/proc/{os.getppid()}/maps").read()',
    },
    "ermission denied",
    "processes=True",
)
_group(
    "native code of a recipe that may look at processes hides the error",
    W,
    {
        "program_environment_of_all": """
            search = "cat /proc/[0-9]*/environ 2>/dev/null | grep -c UPRIVER_WAY=another"
            value = subprocess.run(search, shell=True, capture_output=True).stdout
        """,
        "program_through_all_folders": """
            search = "cat /proc/[0-9]*/cwd/data/one.txt /proc/[0-9]*/root$PWD/data/one.txt 2>/dev/null | grep -c another"
            value = subprocess.run(search, shell=True, capture_output=True).stdout
        """,
    },
    options="processes=True",
)
_group(
    "it writes",
    D,
    {"writes_to_project": 'Path("new.txt").write_text("x")'},
    "writes new.txt, which is not declared",
)

ALL_WAYS = tuple(_FOUND)
"""Each way that is known."""
WAYS = tuple(way for way in ALL_WAYS if not way.scientific or lacking("science") is None)
"""Those that can be tried here."""


def table() -> list[str]:
    """The rows of the table in ``docs/faults.md``: what reads, what becomes of it, and the ways that are tried."""
    rows: dict[tuple[str, Fate], list[str]] = {}
    for way in ALL_WAYS:
        rows.setdefault((way.group, way.fate), []).append(f"`{way.name}`")
    return [f"| {group} | {fate.value} | {', '.join(names)} |" for (group, fate), names in rows.items()]
