"""Medians, spread and ratios: as a table and as JSON."""

import json
import statistics
from pathlib import Path

SCALE = {"us/iteration": 1e6, "us/call": 1e6, "s": 1.0, "MB": 1e-6}
# A peer's loss after the check's training may be that far from cnet's: the batches differ.
LOSS_TOLERANCE = 0.08


def summary(result, unit):
    """One result as plain data, in the case's unit."""
    row = {
        "contender": result.contender, "threads": result.threads, "iterations": result.iterations,
        "check": result.check,
    }
    if result.skipped or not result.values:
        return {**row, "skipped": result.skipped or "no measurement"}
    values = [value * SCALE[unit] for value in result.values]
    setups = [value for value in result.setups if value is not None]
    return {
        **row, "median": statistics.median(values), "low": min(values), "high": max(values), "samples": values,
        "setup_seconds": statistics.median(setups) if setups else None,
    }


def check_losses(rows):
    """Mark every result whose loss after the same training is not near the others'."""
    losses = [row["check"] for row in rows if row["check"] is not None]
    if not losses:
        return
    middle = statistics.median(losses)
    for row in rows:
        if row["check"] is not None and abs(row["check"] - middle) > LOSS_TOLERANCE * middle:
            row["warning"] = f"loss {row['check']:.3f} after the check, others {middle:.3f}"


def case_report(case, results, facts):
    """One case as plain data."""
    rows = [summary(result, case.unit) for result in results]
    if case.command["kind"] == "train":
        check_losses(rows)
    return {"title": case.title, "unit": case.unit, **facts, "results": rows}


def best(rows, name):
    """The fastest of a contender's numbers of threads, or None."""
    measured = [row for row in rows if row["contender"] == name and "median" in row]
    return min(measured, key=lambda row: row["median"]) if measured else None


def number(value):
    """Three significant digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(rows, name, threads):
    """Median and spread of one measurement."""
    for row in rows:
        if (row["contender"], row["threads"]) == (name, threads):
            if "median" not in row:
                return "-"
            return f"{number(row['median'])} [{number(row['low'])}-{number(row['high'])}]"
    return "-"


def table(report):
    """One case as a Markdown table; the last column is a peer's best through cnet's best."""
    rows = report["results"]
    ours = best(rows, "cnet")
    lines = [f"### {report['title']} ({report['unit']}; {report['data']}, {report['rounds']} rounds)", ""]
    lines += ["| contender | 1 thread | 2 threads | set-up, ms | times cnet's best |", "|---|---|---|---|---|"]
    notes = []
    for name in dict.fromkeys(row["contender"] for row in rows):
        fastest = best(rows, name)
        setup = fastest and fastest.get("setup_seconds")
        ratio = f"{fastest['median'] / ours['median']:.2f}" if fastest and ours else "-"
        lines.append(
            f"| {name} | {cell(rows, name, 1)} | {cell(rows, name, 2)} "
            f"| {f'{1e3 * setup:.1f}' if setup is not None else '-'} | {ratio} |"
        )
    for row in rows:
        for key in ("skipped", "warning"):
            if key in row:
                notes.append(f"{row['contender']}, {row['threads']} threads: {key}: {row[key]}")
    return "\n".join(lines + [""] + notes + ([""] if notes else []))


def overview(reports):
    """The trainings of all sizes in one table: cnet and the fastest peer at each."""
    lines = ["### All sizes: best of 1 and 2 threads, us/iteration", ""]
    lines += ["| hidden | batch | cnet | fastest peer | of | peer / cnet |", "|---|---|---|---|---|---|"]
    for name, report in reports.items():
        if not name.startswith("train-"):
            continue
        hidden, batch = name.removeprefix("train-h").split("-b")
        rows = report["results"]
        ours = best(rows, "cnet")
        peers = {row["contender"] for row in rows} - {"cnet"}
        fastest = [row for row in (best(rows, peer) for peer in peers) if row]
        peer = min(fastest, key=lambda row: row["median"], default=None)
        ratio = f"{peer['median'] / ours['median']:.2f}" if peer and ours else "-"
        lines.append(
            f"| {hidden} | {batch} | {number(ours['median']) if ours else '-'} "
            f"| {number(peer['median']) if peer else '-'} "
            f"| {peer['contender'] + '/' + str(peer['threads']) if peer else '-'} | {ratio} |"
        )
    return "\n".join(lines) if len(lines) > 4 else ""


def write_json(path, reports):
    """Put the cases into a file; cases of other runs that are in it stay, each with its own date."""
    path = Path(path)
    content = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    content["cases"].update(reports)
    path.write_text(json.dumps(content, indent=1) + "\n")
    return content["cases"]
