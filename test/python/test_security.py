"""SECURITY.md says of each row which test shows it: they exist, by that name, where the text says that they are."""
import glob
import os
import re
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
NAME = re.compile(r"`([^`]+)`")
# Rows that no test can show, and which the text leaves empty: who is the user, and who is already on the path.
UNTESTED = {"the same user, or root", "takes an address, a name server, a port of a member or of a seed (ARP, DHCP, DNS)"}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def found(pattern):
    return glob.glob(os.path.join(ROOT, "test", pattern), recursive=True)


def rows(text):
    """Of the tables with a column of tests: threat, and that column."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and not cells[0].startswith("**") and cells[0] != "Threat":
            yield cells[0], cells[3]


class SecurityTest(unittest.TestCase):
    def setUp(self):
        self.text = read("SECURITY.md")
        self.c = {name for path in found("c/*_test.c") for name in re.findall(r"(?:cmocka_unit_test\w*|[A-Z_]*TEST)\(\s*(\w+)", read(path))}
        self.python = {name for path in found("python/test_*.py") for name in re.findall(r"^class (\w+)\(", read(path), re.M)}

    def exists(self, name):
        if name.endswith((".c", ".exs", ".py")):
            return bool(found(f"**/{os.path.basename(name)}"))
        return name in self.c or name in self.python

    def test_each_row_names_a_test(self):
        table = list(rows(self.text))
        self.assertGreater(len(table), 40)
        self.assertLessEqual(UNTESTED, {threat for threat, _ in table})
        for threat, tests in table:
            self.assertEqual(threat in UNTESTED, not NAME.findall(tests), threat)

    def test_each_test_that_a_row_names_exists(self):
        for threat, tests in rows(self.text):
            for name in NAME.findall(tests):
                self.assertTrue(self.exists(name), f"{name}, of: {threat}")

    def test_each_file_of_tests_that_the_text_names_exists(self):
        files = [name for name in NAME.findall(self.text) if re.search(r"test(_\w+|\w*)?\.(c|exs|py)$", name)]
        self.assertGreater(len(files), 10)
        for name in files:
            self.assertTrue(self.exists(name), name)


if __name__ == "__main__":
    unittest.main()
