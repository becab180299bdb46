"""The programs in the README compile, run and end well: readme.py LANGUAGE LIBRARY_FOLDER COMPILER SCRATCH_FOLDER

LANGUAGE is c, cpp or python. A fenced block of that language that can stand alone is a program. Those in C and C++ are
also examples in the repository, line by line, so that what is shown is what is kept working.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
STANDS_ALONE = {"c": "main(", "cpp": "main(", "python": "import ctypes"}
EXAMPLE = {"c": "cpp_examples/quickstart.c", "cpp": "cpp_examples/quickstart.cpp"}


def programs(language):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if STANDS_ALONE[language] in block]


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def line_that_is_not_in_the_example(program, example):
    kept = iter(lines(example))
    return next((line for line in lines(program) if line not in kept), None)


def main(language, library, compiler, scratch):
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    environment = dict(os.environ, LD_LIBRARY_PATH=library, DYLD_LIBRARY_PATH=library)
    found = programs(language)
    if not found:
        sys.exit(f"README.md shows no program in {language}")
    for number, program in enumerate(found):
        source = pathlib.Path(scratch, f"readme{number}.{'py' if language == 'python' else language}")
        source.write_text(program, encoding="utf-8")
        if language == "python":
            command = [sys.executable, str(source)]
        else:
            missing = line_that_is_not_in_the_example(program, (ROOT / EXAMPLE[language]).read_text(encoding="utf-8"))
            if missing:
                sys.exit(f"README.md shows a line that is not in {EXAMPLE[language]}, or not there: {missing}")
            command = [str(source.with_suffix(""))]
            standard = "-std=c11" if language == "c" else "-std=c++17"
            build = [compiler, standard, "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", str(source)]
            subprocess.run(build + ["-o", command[0], f"-L{library}", "-lturnkeep"], check=True)
        said = subprocess.run(command, cwd=scratch, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        if not said.strip():
            sys.exit(f"the program {source} says nothing")
        print(said, end="")


main(*sys.argv[1:])
