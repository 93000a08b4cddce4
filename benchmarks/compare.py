"""cnet and its peers on the same data, in turn, in one tree of processes. See README.md."""

import argparse
import datetime
import signal
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
    add = parser.add_argument
    add("--cases", default="seed", help="comma-separated names or patterns, see --list (default: seed)")
    everybody = ",".join(name for name in contenders.MODULES if name != "before")
    add("--peers", default=everybody, help="contenders (default: %(default)s)")
    add("--before", metavar="DIR", help="a compiled checkout of another commit, as the contender `before`")
    add("--threads", default="1,2,4", help="numbers of threads, where a case has them (default: %(default)s)")
    add("--rounds", type=int, default=5, help="measurements of each contender (default: %(default)s)")
    add("--quick", action="store_true", help="a fifth of the time for each measurement")
    add("--data", metavar="DIR", help="folder with MNIST's four files (default: drawn digits)")
    add("--json", metavar="FILE", help="put the cases into this file, beside those in it")
    add("--list", action="store_true", help="list the cases and end")
    options = parser.parse_args()
    options.peers = options.peers.split(",") + (["before"] if options.before else [])
    unknown = sorted(set(options.peers) - set(contenders.MODULES))
    if unknown:
        parser.error(f"no contender is named {', '.join(unknown)}; there are {', '.join(contenders.MODULES)}")
    try:
        options.threads = [int(count) for count in options.threads.split(",")]
    except ValueError:
        parser.error(f"--threads must be whole numbers, comma-separated, got {options.threads!r}")
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, got {options.rounds}")
    return options


def main():
    # Ended from outside, the workers and the data's copy go too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    if options.list:
        for case in cases.all_cases():
            print(f"{case.name:20} {case.title}")
        return
    chosen = cases.chosen(options.cases)
    data, data_name = load_data(options.data)
    machine, versions = environment.machine(), environment.versions()
    print(", ".join(f"{key}: {value}" for key, value in machine.items()))
    print(", ".join(f"{key} {value}" for key, value in versions.items() if value), "\n", flush=True)
    reports = {}
    with tempfile.TemporaryDirectory() as folder:
        data.save(folder)
        with Harness(folder, lambda text: print(text, file=sys.stderr, flush=True), options.before) as harness:
            for case in chosen:
                names = [name for name in options.peers if case.measures(name)]
                teams = [(name, k) for name in names for k in options.threads if k in case.threads]
                run = harness.run_fresh if case.fresh else harness.run
                results = run(case.command_for(options.quick), teams, options.rounds)
                facts = {
                    "data": case.data_name(data_name), "rounds": options.rounds, "machine": machine,
                    "versions": versions, "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
                }
                reports[case.name] = report.case_report(case, results, facts)
                print(report.table(reports[case.name]), flush=True)
                if options.json:
                    report.write_json(options.json, {case.name: reports[case.name]})
    print(report.overview(reports))
    print(report.against_before(reports))


if __name__ == "__main__":
    main()
