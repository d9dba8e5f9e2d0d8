"""The bench's arithmetic and its tables, without any server."""

import unittest
import xml.etree.ElementTree

import measure
import report
import rounds


class ReportTest(unittest.TestCase):
    def filled(self):
        results = report.Results("accept")
        for value in (10.0, 30.0, 20.0):
            results.add("cpu", "4 KiB", "paquebot", value)
            results.add("cpu", "4 KiB", "postfix", value * 8)
        results.add("cpu", "10 MiB <kept>", "paquebot", 1234.5)
        return results

    def test_numbers(self):
        for value, text in ((0, "0.00"), (0.0042, "0.0042"), (3.14159, "3.14"), (31.4, "31.4"), (3141.5, "3142"), (float("nan"), "-")):
            self.assertEqual(report.short(value), text)
        self.assertEqual(measure.median([3, 1, 2]), 2)
        self.assertAlmostEqual(measure.spread([9, 10, 11]), 0.1)
        self.assertEqual(measure.spread([]), 0)

    def test_table(self):
        results = self.filled()
        lines = report.table("cpu", results.values["cpu"]).splitlines()
        self.assertEqual(lines[2], "| | paquebot | postfix |")
        self.assertEqual(lines[4], "| 4 KiB | 20.0 ±50% | 160 ±50% (ours ×0.12) |")
        self.assertEqual(lines[5], "| 10 MiB <kept> | 1234 | - |")

    def test_plot_is_well_formed(self):
        results = self.filled()
        picture = xml.etree.ElementTree.fromstring(report.plot(results.case, results.values))
        self.assertEqual(len(picture.findall("{http://www.w3.org/2000/svg}rect")), 1 + 3)

    def test_cpu_stands_first(self):
        results = self.filled()
        results.values = {"rate": {"4 KiB": {"paquebot": [1.0]}}, **results.values}
        text = results.markdown("")
        self.assertLess(text.index("CPU a message"), text.index("Throughput"))


class ProgressTest(unittest.TestCase):
    def test_what_is_left_follows_what_was_needed(self):
        now = [100.0]
        progress = rounds.Progress({"accept": 60, "relay": 120, "pop3": 60}, clock=lambda: now[0])
        self.assertEqual(progress.left(), 240)
        progress.begin("accept")
        now[0] += 20
        self.assertEqual(progress.left(), 220)
        now[0] += 100  # twice what was expected
        self.assertEqual(progress.left(), 180)
        self.assertEqual(progress.end(), 120)
        self.assertEqual(progress.left(), 360)
        progress.begin("relay")
        now[0] += 60
        self.assertEqual(str(progress), "3 min, about 5 left")


if __name__ == "__main__":
    unittest.main()
