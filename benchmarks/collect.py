"""Put results of compare.py into the file of figures that the page on performance is made from. See README.md."""

import argparse
import csv
import json
from pathlib import Path

FIGURES = Path(__file__).resolve().parents[1] / "docs" / "figures.csv"
FIELDS = ("machine", "case", "contender", "threads", "low", "median", "high", "unit", "date")


def rows_of(results, machine):
    """A row for each contender and number of threads that was measured."""
    for case, report in json.loads(Path(results).read_text())["cases"].items():
        for row in report["results"]:
            if "median" not in row:
                continue
            if "warning" in row:
                raise SystemExit(f"{case}, {row['contender']}: {row['warning']}")
            yield {
                "machine": machine, "case": case, "contender": row["contender"], "threads": str(row["threads"]),
                **{name: f"{row[name]:.4g}" for name in ("low", "median", "high")},
                "unit": report["unit"], "date": report["date"][:10],
            }


def key(row):
    """What a row is about."""
    return row["machine"], row["case"], row["contender"], row["threads"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machine", help="a name in docs/_ext/figures.py, such as zen4-avx512")
    parser.add_argument("results", nargs="+", help="files that compare.py --json wrote; later rows replace others")
    parser.add_argument("--figures", default=FIGURES, help="the file to add them to (default: docs/figures.csv)")
    arguments = parser.parse_args()
    rows = {}
    if Path(arguments.figures).exists():
        with open(arguments.figures, newline="") as file:
            rows = {key(row): row for row in csv.DictReader(file)}
    for results in arguments.results:
        rows.update((key(row), row) for row in rows_of(results, arguments.machine))
    with open(arguments.figures, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[each] for each in sorted(rows))


if __name__ == "__main__":
    main()
