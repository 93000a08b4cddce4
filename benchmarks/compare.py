"""cnet and its peers on the same data, in turn, in one tree of processes. See README.md."""

import argparse
import datetime
import sys
import tempfile

import cases
import contenders
import environment
import report
from harness import Harness
from workload import load_data


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", default="seed", help="comma-separated names or patterns (default: seed)")
    parser.add_argument("--peers", default=None, help="comma-separated contenders (default: all)")
    parser.add_argument("--threads", default="1,2", help="comma-separated numbers of threads (default: 1,2)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each contender (default: 5)")
    parser.add_argument("--quick", action="store_true", help="a fifth of the time for each measurement")
    parser.add_argument("--data", metavar="DIR", help="folder with MNIST's four files (default: drawn digits)")
    parser.add_argument("--json", metavar="FILE", help="put the cases into this file, beside those in it")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    options = parser.parse_args()
    unknown = set((options.peers or "").split(",")) - set(contenders.MODULES) - {""}
    if unknown:
        parser.error(f"no contender is named {', '.join(sorted(unknown))}; there are {', '.join(contenders.MODULES)}")
    return options


def main():
    options = arguments()
    if options.list:
        for case in cases.all_cases():
            print(f"{case.name:20} {case.title}")
        return
    names = options.peers.split(",") if options.peers else list(contenders.MODULES)
    threads = [int(count) for count in options.threads.split(",")]
    data, data_name = load_data(options.data)
    machine, versions = environment.machine(), environment.versions()
    print(", ".join(f"{key}: {value}" for key, value in machine.items()))
    print(", ".join(f"{key} {value}" for key, value in versions.items() if value), "\n", flush=True)
    reports = {}
    with tempfile.TemporaryDirectory() as folder:
        data.save(folder)
        with Harness(folder, lambda text: print(text, file=sys.stderr, flush=True)) as harness:
            for case in cases.chosen(options.cases):
                teams = [(n, k) for n in names if n in case.contenders for k in threads if k in case.threads]
                results = harness.run(case.command_for(options.quick), teams, options.rounds)
                facts = {
                    "data": data_name, "rounds": options.rounds, "machine": machine, "versions": versions,
                    "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                }
                reports[case.name] = report.case_report(case, results, facts)
                print(report.table(reports[case.name]), flush=True)
                if options.json:
                    report.write_json(options.json, {case.name: reports[case.name]})
    print(report.overview(reports))


if __name__ == "__main__":
    main()
