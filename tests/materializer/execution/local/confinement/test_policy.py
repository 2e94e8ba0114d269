"""A policy grants what an attempt was given, and nothing of a project that lies among granted folders."""

from __future__ import annotations

import posixpath

from hypothesis import given
from hypothesis import strategies as st

from upriver.materializer.execution.local.confinement.policy import (
    LIBRARY,
    Access,
    Grants,
    Index,
    Interpreter,
    Rule,
    beside,
    contains,
    interpreter_rules,
    policy,
    pruned,
)

PARTS = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(PARTS, max_size=4).map(lambda parts: "/" + "/".join(parts))
RULES = st.lists(st.builds(Rule, PATHS, st.sampled_from([*Access, LIBRARY])), max_size=8)


def tree(folder: str) -> list[str]:
    """A tree without end, in which every folder holds the same names."""
    return ["a", "b", "c"]


@given(RULES, PATHS, st.sampled_from(list(Access)))
def test_a_path_has_the_rights_of_every_folder_that_it_is_in(
    rules: list[Rule], path: str, access: Access
) -> None:
    expected = any(contains(rule.path, path) and access in rule.access for rule in rules)
    assert Index(rules).permits(path, access) is expected


@given(RULES, PATHS, st.sampled_from(list(Access)))
def test_pruning_changes_no_answer(rules: list[Rule], path: str, access: Access) -> None:
    assert Index(pruned(rules)).permits(path, access) is Index(rules).permits(path, access)


@given(PATHS, PATHS)
def test_what_is_beside_a_folder_is_all_around_it_but_itself(outer: str, inner: str) -> None:
    inner = posixpath.normpath(f"{outer}/{inner}")
    found = list(beside(outer, inner, tree))
    assert not [path for path in found if contains(path, inner) or contains(inner, path)]
    assert all(contains(outer, path) for path in found)


@given(
    st.lists(PATHS, min_size=1, max_size=3),
    st.lists(PATHS, max_size=3),
    st.lists(PATHS, max_size=3),
    st.lists(PARTS, min_size=1, max_size=3),
)
def test_nothing_of_the_project_is_granted_with_the_libraries_around_it(
    prefixes: list[str], libraries: list[str], path: list[str], project: list[str]
) -> None:
    """Unless it lies in a library folder that is itself in the project, as a virtual environment is."""
    root = "/" + "/".join(project)
    here = Interpreter(tuple(prefixes), (), tuple(libraries), tuple(path), tuple(path))
    index = Index(interpreter_rules(root, here, tree, lambda folder: [f"{folder}/m.py"]))
    inside = [one for one in (*prefixes, *libraries, *path) if contains(root, one) and one != root]
    for name in ("data.csv", "m.py", "sub/data.csv"):
        asked = f"{root}/{name}"
        assert not index.permits(asked, Access.READ) or any(contains(one, asked) for one in inside)
    assert not index.permits(root, Access.LIST)


def test_of_a_folder_of_code_around_the_project_only_code_is_readable() -> None:
    here = Interpreter(("/py",), libraries=("/py/lib",), path=("/home", "/elsewhere", "/home/p/src"))
    code = ["/home/tools.py", "/home/p/assets/m.py"]
    index = Index(interpreter_rules("/home/p", here, tree, lambda folder: code))
    assert index.permits("/home/tools.py", Access.READ)
    assert index.permits("/elsewhere/data.csv", Access.READ)
    assert not index.permits("/home/data.csv", Access.READ)
    assert not index.permits("/home/p/src/data.csv", Access.READ)
    assert not index.permits("/home/p/assets/m.py", Access.READ)  # code of the project is granted by name


def test_a_project_below_site_packages_leaves_the_packages_beside_it_readable() -> None:
    site = "/py/lib/site-packages"
    here = Interpreter(("/py",), libraries=(site, "/py/lib"), path=(site,))
    index = Index(interpreter_rules(f"{site}/c/p", here, tree, lambda folder: []))
    assert index.permits(f"{site}/a/data.txt", Access.READ)
    assert index.permits(f"{site}/c/a/data.txt", Access.READ)
    assert not index.permits(f"{site}/c/p/data.txt", Access.READ)
    assert not index.permits(site, Access.LIST)


def test_what_is_granted_is_granted_as_asked() -> None:
    given = Grants(
        scratch="/p/.upriver/tmp/1",
        code=("/p/assets/m.py",),
        inputs=("/p/data/in.csv",),
        files=("/p/config/a.json",),
        folders=("/p/parts",),
        outside=("/models",),
        writes=("/p/out",),
    )
    index = policy((), given, "/proc/7").index()
    for path, access in (
        ("/p/assets/m.py", Access.READ),
        ("/p/data/in.csv", Access.READ),
        ("/p/config/a.json", Access.READ),
        ("/p/parts/deep", Access.LIST),
        ("/models/big.bin", Access.READ),
        ("/p/out/x.json", Access.WRITE),
        ("/p/out/x.json", Access.MAKE),
        ("/p/.upriver/tmp/1/spill", Access.MAKE),
        ("/proc/7/maps", Access.READ),
    ):
        assert index.permits(path, access), path
    for path, access in (
        ("/p/data/other.csv", Access.READ),
        ("/p/parts/x.csv", Access.READ),
        ("/p/out/x.json", Access.READ),
        ("/p/config/a.json", Access.WRITE),
        ("/p/.upriver/state.db", Access.READ),
        ("/p/.upriver/tmp/2/spill", Access.READ),
        ("/proc/8/environ", Access.READ),
        ("/dev/shm/x", Access.READ),
    ):
        assert not index.permits(path, access), path


def test_shared_memory_and_the_resolver_are_granted_with_processes_and_the_network() -> None:
    index = policy((), Grants("/s", network=True, processes=True), "/proc/7").index()
    assert index.permits("/dev/shm/x", Access.MAKE)
    assert index.permits("/run/systemd/resolve/stub-resolv.conf", Access.READ)
