"""The benchmark beside other stores says what it measured: bench_peers.py C_PROGRAM LIBRARY SCRATCH_FOLDER

Runs it on Turnkeep alone, which needs no package, and tries how it sums up what the others do.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches" / "peers"))
import main as peers

PROGRAM, LIBRARY, SCRATCH = sys.argv[1:4]


def answered(append, threads):
    return {"version": "1", "us": {"append 0": append, "append 200": append}, "fastest_us": {"append 200": append}, "cannot": {}, "threads": threads}


class Report(unittest.TestCase):
    def test_turnkeep_through_c_and_ctypes_runs_and_is_reported(self):
        shutil.rmtree(SCRATCH, ignore_errors=True)
        os.makedirs(SCRATCH)
        command = [sys.executable, str(ROOT / "benches/peers/main.py"), PROGRAM, sys.executable, LIBRARY, SCRATCH, "--smoke"]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows = [line for line in said.splitlines() if line.startswith("| Turnkeep, ")]
        self.assertEqual(len(rows), 4 + 2 + 2, said)
        self.assertTrue(all("| none |" in row for row in rows if "| DISK |" in row or "| OS |" in row), said)
        shutil.rmtree(SCRATCH)

    def test_times_are_told_in_two_digits(self):
        values = [0.1234, 9.96, 123.4, 999.9, 1234, 250_000, 3_456_000]
        self.assertEqual([peers.duration(value) for value in values],
                         ["0.12 µs", "10 µs", "120 µs", "1.0 ms", "1.2 ms", "250 ms", "3.5 s"])

    def test_a_ratio_is_the_median_over_the_rounds_that_both_took_part_in(self):
        self.assertEqual(peers.ratio([2.0, 30.0, 4.0], [1.0, 10.0, 1.0, 5.0]), 3.0)

    def test_failures_of_threads_are_summed_up(self):
        runs = [{"seconds": 1, "acknowledged": 8, "kept": 7, "errors": {"Locked: a|b": 2}}, {"ended": "SIGSEGV"}]
        self.assertEqual(peers.errors_of(runs), "the process ended in 1 of 2 runs (SIGSEGV); 2 of 10 calls failed: Locked: a/b; "
                                                "1 messages fewer than were acknowledged")
        self.assertEqual(peers.errors_of([{"seconds": 1, "acknowledged": 8, "kept": 8, "errors": {}}]), "none")

    def test_rows_are_compared_at_their_own_level(self):
        plan = peers.Plan(smoke=True)
        run = [{"seconds": 1, "acknowledged": 8, "kept": 8, "errors": {}}]
        found = {"c-disk": answered([100.0], run), "ctypes-disk": answered([150.0], run),
                 "c-os": answered([10.0], run), "ctypes-os": answered([30.0], run)}
        rows = {row[0] + row[1]: row[3] for row in peers.append_rows(plan, found)}
        self.assertEqual(rows["Turnkeep, Python ctypesDISK"], "150 µs (×1.5)")
        self.assertEqual(rows["Turnkeep, Python ctypesOS"], "30 µs (×3.0)")

    def test_only_what_stands_between_the_markers_is_written(self):
        text = "before\n<!-- peers: begin -->\nold\n<!-- peers: end -->\nafter\n"
        self.assertEqual(peers.write_between(text, "new"), text.replace("\nold\n", "\n\nnew\n\n"))
        with self.assertRaises(SystemExit):
            peers.write_between("no markers", "new")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
