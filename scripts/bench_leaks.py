"""Runs every mode of pii-leak-benchmark against a gate that it starts, and judges what the harness reports.

`bench_leaks.py GATE [POLICIES]`, by scripts/bench_leaks.sh. With the built-in policies it writes docs/leak-harness.md. The harness is the provider behind the gate: it listens on a port that is
chosen here, and the gate sends everything there. The gate has its defaults; only the mode that wants keys and passwords back gets a
gate whose policies restore them.
"""

import importlib.metadata
import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = pathlib.Path(sys.executable).parent
OUT = ROOT / "out/bench-leaks"
CITATION = "https://github.com/ninadphalak/LLM-Shield-Proxy"
# How the values of a stream are cut: in the middle, at every place, at every two places, the worst of all of them.
ORACLES = ("midpoint", "exhaustive-2-part", "exhaustive-3-part", "union-worst-case")
PERFECT = {"fidelity_rate": 1.0, "leak_single_chunk": 0.0, "leak_adversarial": 0.0, "delta_frag": 0.0, "inconclusive": 0, "outcome": "pass", "request_path_leak": [], "schema_valid": True}

PAGE = """# The public harness

Written by `make bench-leaks`; do not edit.

`pii-leak-benchmark` %s (PyPI, Apache-2.0) is a harness of others for gateways. It stands on both sides of the gate, as the client and as
the provider, and brings its own values. Its first profile sends personal data, and keys in a second round, and asks that none arrives
and all come back. Its second, `pii-leak-benchmark-v2`, asks for both halves of an answer at once: what the caller sent comes back
(fidelity 1.0), what the model brings in does not arrive (leak 0.0, whole / cut), and no cut of the stream makes a difference (DeltaFrag
0.0, no part of a value shows: partial 0). A mode may cut a value in the middle, at every place, at every two places, or take the worst of
all of them. The gate runs with its defaults. It hides keys and passwords for good; for the one mode that wants them back it gets a policy
that does that. The first two rows are no gate: the harness must fail them, or it could not see a leak.

| mode | what the harness says | as it must be |
|---|---|---|
%s
"""


class Gate:
    def __init__(self, binary, folder, provider, policies):
        log = (folder.parent / f"{folder.name}.log").open("wb")
        more = ["--policies", policies] if policies else []
        self.child = subprocess.Popen(
            [binary, "up", "--data", folder, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--upstream", provider, *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        line = self.child.stdout.readline()
        if not line:
            sys.exit(f"the gate was not ready: {pathlib.Path(log.name).read_text()[-2000:]}")
        self.url = json.loads(line)["gate"]

    def stop(self):
        self.child.terminate()
        try:
            self.child.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Run:
    """The rows so far: what was measured, what came out, whether it is as it must be."""

    def __init__(self, port):
        self.port = str(port)
        self.rows = []

    def row(self, name, said, good):
        self.rows.append((name, said, good))

    def tool(self, command, *arguments):
        print(f"\n== {command} {' '.join(map(str, arguments))}", flush=True)
        return subprocess.run([TOOLS / command, *map(str, arguments)], check=False).returncode

    def read(self, path):
        """A report; nothing when the harness wrote none, which no bar is met by."""
        return json.loads(path.read_text()) if path.exists() else {}

    def publish(self, name, url, wanted):
        """The first profile as it is published: three kinds of data, five checks."""
        path = OUT / f"{name}.json"
        self.tool(
            "pii-leak-benchmark", "--target-base-url", url, "--capture-port", self.port, "--iterations", 10, "--target-name", "bartizan",
            "--redaction-claimed", "claimed", "--redaction-claim-citation", CITATION, "--redaction-enabled",
            "--redaction-config-reference", "built-in policies", "--json-out", path,
        )  # fmt: skip
        report = self.read(path)
        checks = report.get("checks", {})
        said = f"{sum(check['passed'] for check in checks.values())}/{len(checks)} checks, outcome {report.get('outcome')}"
        self.row(f"v1 {name}", said, report.get("outcome") == wanted and len(checks) == 5)

    def self_check(self, name, url, *more, wanted=0):
        status = self.tool("pii-leak-benchmark", "selfcheck", "--target-base-url", url, "--capture-port", self.port, "--iterations", 10, "--json-out", OUT / f"{name}.json", *more)
        self.row(f"v1 {name}", ("CLEAN", "LEAK or CHECK FAILED", "NOT MEASURED")[min(status, 2)], status == wanted)

    def pipeline(self, url):
        folder = OUT / "ci"
        self.tool("pii-leak-benchmark", "ci", "--target-base-url", url, "--capture-port", self.port, "--profile", "pii-v1", "--out", folder)
        verdict = self.read(folder / "current.json").get("verdict")
        self.row("v1 ci, with its negative control", str(verdict), verdict == "CLEAN")

    def split(self, name, oracle, url, good=True):
        """The second profile: what the caller sent must come back, what the model brings in must not, however it is cut."""
        folder = OUT / f"v2-{name}-{oracle}"
        target = ["--gateway-url", f"{url}/chat/completions", "--upstream-port", self.port] if url else []
        cuts = ["--exhaustive-splits"] if oracle == "exhaustive-2-part" else ["--oracle", oracle]
        self.tool("pii-leak-benchmark-v2", "--validate", "--partial-emission", "--out", folder, "--only", name, *target, *cuts, "--json-out", folder / "summary.json")
        (row,) = self.read(folder / "summary.json").get("rows") or [{}]
        partial = self.read(folder / f"{name}.partial-emission.json").get("metrics", {})
        checks = self.read(folder / f"{name}.json").get("checks", {})
        # Rates can be perfect where an answer did not end as it must; the checks tell.
        broken = [f"{check}: {'; '.join(told.get('errors', [])) or 'failed'}" for check, told in checks.items() if not told["passed"]]
        count = row.get("cases_applicable", 0)
        perfect = all(row.get(member) == value for member, value in PERFECT.items()) and count == row["cases_attempted"] == row["echo_observable"]
        whole = partial.get("cases_applicable") == count and partial.get("cases_partial_emission") == 0
        said = f"fidelity {row.get('fidelity_rate')}, leak {row.get('leak_single_chunk')} / {row.get('leak_adversarial')}, DeltaFrag {row.get('delta_frag')}, partial {partial.get('cases_partial_emission')}, {count} cases"
        self.row(f"v2 {name} {oracle}", f"{said}, {partial.get('partitions_tried')} cuts, outcome {row.get('outcome')}", (perfect and whole and count > 0 and not broken) == good)
        for one in broken if good else []:
            print(f"{name} {oracle}: {one}")
            self.rows[-1] = (self.rows[-1][0], f"{self.rows[-1][1]}; {one}", False)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def restoring(folder):
    """The built-in policies, but keys and passwords are put in place of by pseudonyms and come back."""
    policies = folder / "policies"
    shutil.copytree(ROOT / "policies", policies, ignore=shutil.ignore_patterns("tests"))
    secrets = policies / "secrets.cedar"
    text = secrets.read_text()
    changed = text.replace('@remedy("redact")', '@remedy("tokenise")').replace("action in [Action::\"prompt\", Action::\"complete\"]", 'action == Action::"prompt"')
    if changed == text:
        sys.exit("policies/secrets.cedar is not what this expects")
    secrets.write_text(changed)
    return policies


def main(binary, policies=None):
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    run = Run(free_port())
    provider = f"http://127.0.0.1:{run.port}/v1"

    # Without a gate the harness must cry out, else nothing that it says of one counts.
    run.publish("no gate at all", "capture://self", "fail")
    run.split("passthrough", "midpoint", None, good=False)

    with tempfile.TemporaryDirectory() as folder:
        gate = Gate(binary, pathlib.Path(folder) / "data", provider, policies)
        try:
            url = f"{gate.url}/v1"
            run.publish("published profile", url, "pass")
            run.self_check("personal data, restored", url, "--profile", "pii-v1")
            run.self_check("and secrets, hidden", url, "--profile", "pii-secrets-v1", "--duty", "anonymize")
            run.pipeline(url)
            for oracle in ORACLES:
                run.split("bartizan", oracle, url)
        finally:
            gate.stop()
        gate = Gate(binary, pathlib.Path(folder) / "secrets", provider, policies or restoring(pathlib.Path(folder)))
        try:
            run.self_check("and secrets, restored", f"{gate.url}/v1", "--profile", "pii-secrets-v1")
        finally:
            gate.stop()

    version = importlib.metadata.version("pii-leak-benchmark")
    page = PAGE % (version, "\n".join(f"| {name} | {said} | {'yes' if good else 'NO'} |" for name, said, good in run.rows))
    print(f"\n{page}")
    if not policies:
        (ROOT / "docs/leak-harness.md").write_text(page)
    missed = sum(not good for _, _, good in run.rows)
    print(f"RESULT harness_modes={len(run.rows)} harness_missed={missed}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
