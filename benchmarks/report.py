"""Medians, spread and ratios: as a table and as JSON."""

import json
import statistics
from pathlib import Path

SCALE = {"us/iteration": 1e6, "us/call": 1e6, "ms/call": 1e3, "s": 1.0, "MB": 1e-6}
# How far a loss after the check's training may be from the others' (relative): only rounding
# differs, but for a contender that shuffles by itself, and one whose Adam adds epsilon before the correction.
LOSS_TOLERANCE = {"sklearn": 0.15, "thinc": 0.01}
DEFAULT_LOSS_TOLERANCE = 0.005


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
        **row,
        "median": statistics.median(values), "low": min(values), "high": max(values), "samples": values,
        "setup_seconds": statistics.median(setups) if setups else None,
        **({"accuracies": result.accuracies} if result.accuracies else {}),
    }


def check_losses(rows):
    """Mark every result whose loss after the same training is not near the others'."""
    losses = [row["check"] for row in rows if row["check"] is not None]
    if not losses:
        return
    middle = statistics.median(losses)
    for row in rows:
        tolerance = LOSS_TOLERANCE.get(row["contender"], DEFAULT_LOSS_TOLERANCE)
        if row["check"] is not None and abs(row["check"] - middle) > tolerance * middle:
            row["warning"] = f"loss {row['check']:.3f} after the check, others {middle:.3f}"


def case_report(case, results, facts):
    """One case as plain data."""
    rows = [summary(result, case.unit) for result in results]
    if case.command["kind"] in ("train", "layers"):
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
    counts = sorted({row["threads"] for row in rows})
    heads = " | ".join(f"{count} thread{'s' * (count > 1)}" for count in counts)
    lines += [f"| contender | {heads} | set-up, ms | times cnet's best |", "|---" * (3 + len(counts)) + "|"]
    notes = []
    for name in dict.fromkeys(row["contender"] for row in rows):
        fastest = best(rows, name)
        setup = fastest and fastest.get("setup_seconds")
        ratio = f"{fastest['median'] / ours['median']:.2f}" if fastest and ours else "-"
        cells = " | ".join(cell(rows, name, count) for count in counts)
        lines.append(
            f"| {name} | {cells} "
            f"| {f'{1e3 * setup:.1f}' if setup is not None else '-'} | {ratio} |"
        )
    for row in rows:
        who = f"{row['contender']}, {row['threads']} thread{'s' * (row['threads'] > 1)}"
        notes += [f"- {who}: {key}: {row[key]}" for key in ("skipped", "warning") if key in row]
        if "accuracies" in row:
            shares = ", ".join(f"{100 * share:.2f}" for share in row["accuracies"])
            notes.append(f"- {who}: test accuracy, %: {shares}")
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
        peers = {row["contender"] for row in rows} - {"cnet", "before"}
        fastest = [row for row in (best(rows, peer) for peer in peers) if row]
        peer = min(fastest, key=lambda row: row["median"], default=None)
        ratio = f"{peer['median'] / ours['median']:.2f}" if peer and ours else "-"
        lines.append(
            f"| {hidden} | {batch} | {number(ours['median']) if ours else '-'} "
            f"| {number(peer['median']) if peer else '-'} "
            f"| {peer['contender'] + '/' + str(peer['threads']) if peer else '-'} | {ratio} |"
        )
    return "\n".join(lines) if len(lines) > 4 else ""


def against_before(reports):
    """Every case beside another commit: the median over the rounds of the ratio of two measurements in turn."""
    lines = ["### This commit beside the other", ""]
    lines += ["| case | threads | before | now | now / before, median [low-high] |", "|---|---|---|---|---|"]
    for name, report in reports.items():
        rows = {(row["contender"], row["threads"]): row for row in report["results"] if "median" in row}
        for (contender, threads), row in rows.items():
            other = rows.get(("before", threads))
            if contender != "cnet" or other is None:
                continue
            ratios = [now / before for now, before in zip(row["samples"], other["samples"], strict=False)]
            lines.append(
                f"| {name} | {threads} | {number(other['median'])} | {number(row['median'])} {report['unit']} "
                f"| {statistics.median(ratios):.3f} [{min(ratios):.3f}-{max(ratios):.3f}] |"
            )
    return "\n".join(lines) if len(lines) > 4 else ""


def write_json(path, reports):
    """Put the cases into a file; cases of other runs that are in it stay, each with its own date."""
    path = Path(path)
    content = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    content["cases"].update(reports)
    path.write_text(json.dumps(content, indent=1) + "\n")
    return content["cases"]
