"""`steer check`: whether this machine has what clusters need, with the command that mends each finding."""

import argparse

from steersman.cmd.command import Command


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-nodes", action="store_true", help="only what a cluster without real nodes needs")


def _run(arguments: argparse.Namespace) -> int:
    from steersman.cmd import machine

    findings = machine.base_findings()
    if not arguments.no_nodes:
        findings += machine.node_findings()
    width = max(len(finding.what) for finding in findings)
    for finding in findings:
        mark = "ok" if finding.good else ("MISSING" if finding.required else "missing")
        print(f"{mark:8} {finding.what:{width}}  {finding.detail}".rstrip())
        if finding.fix:
            print(f"{'':8} {'':{width}}  fix: {finding.fix}")
    fixes = machine.fixes(findings)
    if fixes and len(fixes) < sum(bool(finding.fix) for finding in findings):
        print("\nall of it:\n  " + "\n  ".join(fixes))
    return 1 if any(finding.required and not finding.good for finding in findings) else 0


COMMAND = Command("what this machine lacks, and how to mend it", _arguments, _run)
