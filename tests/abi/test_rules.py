"""What scripts/abi.py calls a break and what it lets pass, over two little headers; and what the programs of older
versions do with theirs: test_rules.py"""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import abi

HEADER = """\
#include <stddef.h>
#include <stdint.h>
#define TURNKEEP_API
#define TURNKEEP_VERSION_NUMBER 1000
#define TURNKEEP_ROLE_USER 1
typedef struct turnkeep_thing turnkeep_thing;
typedef int32_t (*turnkeep_visit_fn)(void *user_data, const char *text);
typedef struct {
    size_t struct_size;
    /* One; two. */
    int32_t first;
    int32_t second;
    const char *text;
    turnkeep_visit_fn visit;
} turnkeep_thing_options;
typedef struct {
    uint64_t count;
    uint32_t kind;
} turnkeep_thing_info;
#define TURNKEEP_THING_OPTIONS_INIT {sizeof(turnkeep_thing_options), 0, 0, NULL, NULL}
TURNKEEP_API int32_t turnkeep_thing_open(const turnkeep_thing_options *options, turnkeep_thing **out);
TURNKEEP_API const turnkeep_thing_info *turnkeep_thing_info_of(
    const turnkeep_thing *thing);
"""
APPENDED = ("    turnkeep_visit_fn visit;\n", "    turnkeep_visit_fn visit;\n    uint64_t limit;\n")


class Rules(unittest.TestCase):
    def problems(self, *changes, shown=None):
        """What is found when texts of the header are replaced."""
        text = HEADER
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        with tempfile.TemporaryDirectory() as folder:
            frozen, now = pathlib.Path(folder, "frozen"), pathlib.Path(folder, "now")
            for place, content in ((frozen, HEADER), (now, text)):
                (place / "turnkeep").mkdir(parents=True)
                (place / abi.HEADER).write_text(content, encoding="utf-8")
            abi.freeze(frozen / abi.HEADER, frozen, "cc")
            return "\n".join(abi.problems(frozen, abi.Header(now / abi.HEADER), "cc", shown))

    def allow(self, *changes, **more):
        self.assertEqual(self.problems(*changes, **more), "")

    def refuse(self, said, *changes, **more):
        self.assertIn(said, self.problems(*changes, **more))

    def test_nothing_changed_is_no_break(self):
        self.allow()

    def test_a_new_function_struct_and_constant_are_no_break(self):
        new = "TURNKEEP_API void turnkeep_more_free(turnkeep_more *more);\n"
        self.allow(
            ("TURNKEEP_API int32_t", "typedef struct {\n    uint64_t x;\n} turnkeep_more;\n" + new + "TURNKEEP_API int32_t"),
            ("#define TURNKEEP_ROLE_USER 1", "#define TURNKEEP_ROLE_USER 1\n#define TURNKEEP_ROLE_TOOL 2"),
            ("NUMBER 1000", "NUMBER 1001"),
        )

    def test_a_field_at_the_end_of_a_struct_with_struct_size_is_no_break(self):
        self.allow(APPENDED)

    def test_a_removed_function_is_a_break(self):
        self.refuse("turnkeep_thing_open is no longer declared", ("turnkeep_thing_open", "turnkeep_thing_make"))

    def test_a_function_that_only_the_library_lacks_is_a_break(self):
        self.refuse("turnkeep_thing_open is no longer in the library", shown={"turnkeep_thing_info_of"})

    def test_a_parameter_more_is_a_break(self):
        self.refuse("turnkeep_thing_open", ("turnkeep_thing **out", "turnkeep_thing **out, void *error"))

    def test_a_parameter_more_of_a_callback_is_a_break(self):
        self.refuse("turnkeep_visit_fn", ("const char *text);", "const char *text, size_t len);"))

    def test_another_result_is_a_break(self):
        self.refuse("turnkeep_thing_open", ("int32_t turnkeep_thing_open", "int64_t turnkeep_thing_open"))

    def test_a_reordered_field_is_a_break(self):
        both = "    int32_t first;\n    int32_t second;\n"
        self.refuse("second", (both, "    int32_t second;\n    int32_t first;\n"))

    def test_a_widened_field_is_a_break(self):
        self.refuse("first", ("int32_t first", "int64_t first"))

    def test_a_field_with_another_sign_is_a_break(self):
        self.refuse("first", ("int32_t first", "uint32_t first"))

    def test_a_removed_field_is_a_break(self):
        self.refuse("turnkeep_thing_options", ("    turnkeep_visit_fn visit;\n", ""))

    def test_an_appended_field_hides_no_other_change(self):
        self.refuse("first", APPENDED, ("int32_t first", "uint32_t first"))
        self.refuse("limit", ("    const char *text;\n", "    uint64_t limit;\n    const char *text;\n"))

    def test_a_field_at_the_end_of_a_struct_without_struct_size_is_a_break(self):
        self.refuse("turnkeep_thing_info", ("    uint32_t kind;\n", "    uint32_t kind;\n    uint64_t more;\n"))

    def test_a_field_in_the_padding_is_a_break(self):
        self.refuse("more", ("    uint32_t kind;\n", "    uint32_t kind;\n    uint32_t more;\n"))

    def test_a_constant_with_another_value_is_a_break(self):
        self.refuse("TURNKEEP_ROLE_USER was 1 and is 2", ("USER 1", "USER 2"))

    def test_a_frozen_folder_that_does_not_fit_together_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            frozen = pathlib.Path(folder)
            (frozen / "turnkeep").mkdir()
            (frozen / abi.HEADER).write_text(HEADER, encoding="utf-8")
            (frozen / "symbols.txt").write_text("turnkeep_thing_open\n", encoding="utf-8")
            found = abi.problems(frozen, abi.Header(frozen / abi.HEADER), "cc")
        self.assertIn("does not fit together", "\n".join(found))


class Programs(unittest.TestCase):
    def test_every_version_has_a_program_that_passes_every_struct_of_then(self):
        for folder in (abi.ROOT / "abi").iterdir():
            source = (abi.ROOT / "tests" / "abi" / f"{folder.name}.c").read_text(encoding="utf-8")
            structs = abi.Header(folder / abi.HEADER).caller_sized
            self.assertEqual({name for name in structs if f"{name.upper()}_INIT" not in source}, set(), folder.name)


if __name__ == "__main__":
    unittest.main()
