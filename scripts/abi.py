"""What programs that are already built know of the library, kept for each version, and compared with what it is now.

    abi.py write                  writes abi/VERSION anew (make abi)
    abi.py check LIBRARY [CC]     compares turnkeep.h and the shared library with every version in abi/ (make test)

A version's folder has its header, frozen (turnkeep/turnkeep.h), what its library shows to a linker (symbols.txt), and
the layout of every struct and the type of every function (layout.abi, by abidw).

A newer library may have more functions and constants, and more fields at the end of a struct that begins with
struct_size. Those fields are taken off again before abidiff compares, so whatever it then finds is a break: its own
suppressions would hide every other change of such a struct, too.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = pathlib.Path("turnkeep", "turnkeep.h")
# Without what is true of one machine only.
ABIDW = ["abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-architecture"]
# Names count, too: two fields of one type that change places are nothing else.
ABIDIFF = ["abidiff", "--no-architecture", "--harmless", "--no-added-syms"]
WHAT_TO_DO = """\
Programs that are already built would break. What may be added: functions, constants, and fields at the end of a struct
that begins with struct_size (not into its padding). Put back what was there, and add beside it what is new. If it must
break, give the library another name: raise the version in Cargo.toml so that its SONAME changes, run `make abi`, and
remove the folder of the version that is given up."""


class Header:
    """What a header declares."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        code = re.sub(r"/\*.*?\*/", "", self.path.read_text(encoding="utf-8"), flags=re.DOTALL)
        self.functions = sorted(re.findall(r"^TURNKEEP_API\s[^;(]*?\b(turnkeep_\w+)\(", code, re.MULTILINE))
        bodies = re.findall(r"^typedef struct \{(.*?)^\} (turnkeep_\w+);", code, re.MULTILINE | re.DOTALL)
        self.structs = [name for _, name in bodies]
        self.caller_sized = {name for body, name in bodies if body.lstrip().startswith("size_t struct_size;")}
        # What a program has compiled in. The version is told apart at run time, _INIT makes a struct of its own size.
        constants = re.findall(r"^#define (TURNKEEP_\w+) +(.+?) *$", code, re.MULTILINE)
        self.constants = {name: value for name, value in constants if not re.search(r"_VERSION|_INIT$|_API$", name)}
        if not self.functions or not self.structs:
            raise SystemExit(f"{path} declares no function or no struct: does abi.py still read it rightly?")


def layout_of(header, compiler, scratch):
    """What abidw says of a small program that knows every function and every struct of a header."""
    source, library = scratch / "layout.c", scratch / "layout.so"
    lines = ["#include <turnkeep/turnkeep.h>"]
    lines += [f"__typeof__(&{name}) address_of_{name} = {name};" for name in header.functions]
    # Pointers: the size of what they point to is told by its type.
    lines += [f"{name} *pointer_to_{name};" for name in header.structs]
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    folder = header.path.parent.parent
    subprocess.run([compiler, "-g", "-fPIC", "-shared", f"-I{folder}", source.name, "-o", library.name], cwd=scratch, check=True)
    return subprocess.run([*ABIDW, library.name], cwd=scratch, check=True, stdout=subprocess.PIPE, text=True).stdout


def without_what_was_appended(layout, frozen_layout, caller_sized):
    """A layout in which the structs of the callers end where they ended when it was frozen."""
    sizes = {struct.get("name"): int(struct.get("size-in-bits")) for struct in structs_of(xml.fromstring(frozen_layout))}
    root = xml.fromstring(layout)
    for struct in structs_of(root):
        end = sizes.get(struct.get("name"))
        if struct.get("name") not in caller_sized or end is None or int(struct.get("size-in-bits")) <= end:
            continue
        for member in struct.findall("data-member"):
            if int(member.get("layout-offset-in-bits")) >= end:
                struct.remove(member)
        struct.set("size-in-bits", str(end))
    return xml.tostring(root, encoding="unicode")


def structs_of(root):
    return [struct for struct in root.iter("class-decl") if struct.get("size-in-bits")]


def layout_problems(frozen_header, frozen_layout, header, compiler):
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        now = layout_of(header, compiler, scratch)
        # A struct that lost its struct_size has lost the right to grow, too.
        caller_sized = frozen_header.caller_sized & header.caller_sized
        (scratch / "frozen.abi").write_text(frozen_layout, encoding="utf-8")
        (scratch / "now.abi").write_text(without_what_was_appended(now, frozen_layout, caller_sized), encoding="utf-8")
        both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        result = subprocess.run([*ABIDIFF, "frozen.abi", "now.abi"], cwd=scratch, **both)
    # The lowest two bits say that abidiff itself failed.
    return [] if result.returncode == 0 else [result.stdout.strip() or f"abidiff ended with {result.returncode}"]


def constant_problems(frozen_header, header):
    return [
        f"{name} was {value} and is {header.constants.get(name, 'gone')}"
        for name, value in frozen_header.constants.items()
        if header.constants.get(name) != value
    ]


def function_problems(symbols, header, shown):
    gone = [f"{name} is no longer declared" for name in symbols if name not in header.functions]
    return gone + [f"{name} is no longer in the library" for name in symbols if shown is not None and name not in shown]


def problems(frozen_folder, header, compiler, shown=None):
    """How a header, and what its library shows, break with a version's folder: lines for people."""
    frozen_header = Header(frozen_folder / HEADER)
    symbols = (frozen_folder / "symbols.txt").read_text(encoding="utf-8").split()
    if symbols != frozen_header.functions:
        return [f"{frozen_folder} does not fit together: symbols.txt is not what its header declares"]
    found = function_problems(symbols, header, shown) + constant_problems(frozen_header, header)
    if not found:
        frozen_layout = (frozen_folder / "layout.abi").read_text(encoding="utf-8")
        found = layout_problems(frozen_header, frozen_layout, header, compiler)
    return found


def shown_by(library):
    """The names that a shared library shows to a linker."""
    command = ["readelf", "--wide", "--dyn-syms", library]
    table = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return set(re.findall(r" (?:GLOBAL|WEAK) +[A-Z]+ +\d+ (\w+)(?:@.*)?$", table, re.MULTILINE))


def freeze(header_path, folder, compiler):
    """Writes what is known of a version into a folder."""
    (folder / HEADER).parent.mkdir(parents=True, exist_ok=True)
    (folder / HEADER).write_text(pathlib.Path(header_path).read_text(encoding="utf-8"), encoding="utf-8")
    header = Header(folder / HEADER)
    (folder / "symbols.txt").write_text("".join(f"{name}\n" for name in header.functions), encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        (folder / "layout.abi").write_text(layout_of(header, compiler, pathlib.Path(scratch)), encoding="utf-8")


def version():
    """The part of the version that a frozen folder is named by: major and minor."""
    return re.search(r'^version = "(\d+\.\d+)\.', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]


def is_released(minor):
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    dates = re.findall(rf"^## \[{re.escape(minor)}\.\d+\] - (\S+)", changelog, re.MULTILINE)
    return any(date != "unreleased" for date in dates)


def write():
    minor = version()
    folder = ROOT / "abi" / minor
    if folder.exists() and is_released(minor):
        raise SystemExit(f"{minor} is released, and abi/{minor} stays as it is: raise the version in Cargo.toml first")
    freeze(ROOT / "include" / HEADER, folder, "cc")
    print(f"abi/{minor}: {len(Header(folder / HEADER).functions)} functions")


def check(library, compiler="cc"):
    header = Header(ROOT / "include" / HEADER)
    folders = sorted(path for path in (ROOT / "abi").iterdir() if path.is_dir())
    if not folders:
        raise SystemExit("abi/ has no version to compare with: run `make abi`")
    broken = False
    for folder in folders:
        found = problems(folder, header, compiler, shown_by(library))
        print(f"{folder.name}: {'compatible' if not found else 'BROKEN'}")
        print("\n".join(found), end="\n" if found else "")
        broken = broken or bool(found)
    if broken:
        raise SystemExit(WHAT_TO_DO)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write"]:
            write()
        case ["check", *arguments] if 1 <= len(arguments) <= 2:
            check(*arguments)
        case _:
            raise SystemExit(__doc__)
