//! Metrics in Prometheus' text format.

use std::fmt::Write as _;

use bartizan_gateway::{Circuit, CircuitState, Gate};

use crate::telemetry::Counts;

/// What is not counted by the gate itself.
pub struct State {
    /// The journal takes records.
    pub store_ok: bool,
    /// The last reload was refused.
    pub reload_failed: bool,
    /// Nothing keeps the process from serving.
    pub ready: bool,
}

/// Everything, as one page.
pub fn page(gate: &Gate, state: &State, telemetry: Option<&Counts>) -> String {
    let mut out = String::with_capacity(8_192);
    for (name, help, kind, value) in gate.metrics().snapshot() {
        single(&mut out, name, help, kind, value);
    }
    circuits(&mut out, gate);
    latency(&mut out, gate);
    single(&mut out, "bartizan_gate_inflight_bytes", "Bytes of bodies in flight", "gauge", gate.inflight_bytes() as u64);
    single(&mut out, "bartizan_store_ok", "Whether the journal takes records and the ledger follows", "gauge", state.store_ok.into());
    single(&mut out, "bartizan_reload_failed", "Whether the last reload was refused", "gauge", state.reload_failed.into());
    single(&mut out, "bartizan_ready", "Whether /readyz answers 200", "gauge", state.ready.into());
    for (name, help, value) in telemetry.into_iter().flat_map(Counts::all) {
        single(&mut out, name, help, "counter", value);
    }
    let live = gate.live();
    let (build, policy) = (env!("CARGO_PKG_VERSION"), live.judge.policies().version());
    put(&mut out, format_args!("# HELP bartizan_info Versions of the program and of the policies in force\n# TYPE bartizan_info gauge\n"));
    put(&mut out, format_args!("bartizan_info{{version=\"{build}\",policy=\"{policy}\"}} 1\n"));
    out
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(text);
}

fn single(out: &mut String, name: &str, help: &str, kind: &str, value: u64) {
    put(out, format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"));
}

/// How the circuits of the providers stand, and of the models at each of them.
fn circuits(out: &mut String, gate: &Gate) {
    let (state, openings) = ("bartizan_gate_circuit_state", "bartizan_gate_circuit_opened_total");
    let labels = |one: &CircuitState| {
        let model = one.model.as_ref().map_or_else(String::new, |model| format!(",model=\"{}\"", label(model)));
        format!("provider=\"{}\"{model}", label(one.provider.as_str()))
    };
    let circuits: Vec<_> = gate.circuits().iter().map(|one| (labels(one), one.circuit, one.opened)).collect();
    put(
        out,
        format_args!(
            "# HELP {state} Calls to a provider, and of a model there: 0 pass, 1 the next one tries, 2 none passes\n# TYPE {state} gauge\n"
        ),
    );
    for (labels, circuit, _) in &circuits {
        let number = match circuit {
            Circuit::Closed => 0,
            Circuit::HalfOpen => 1,
            Circuit::Open => 2,
        };
        put(out, format_args!("{state}{{{labels}}} {number}\n"));
    }
    put(out, format_args!("# HELP {openings} How often calls were stopped\n# TYPE {openings} counter\n"));
    for (labels, _, opened) in &circuits {
        put(out, format_args!("{openings}{{{labels}}} {opened}\n"));
    }
}

/// A text as the value of a label.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The gate's own time for a request, in seconds.
fn latency(out: &mut String, gate: &Gate) {
    let name = "bartizan_gate_latency_seconds";
    let (buckets, sum, count) = gate.metrics().gate_latency.snapshot();
    put(out, format_args!("# HELP {name} Time that the gate itself took for a request\n# TYPE {name} histogram\n"));
    for (bound, reached) in buckets {
        put(out, format_args!("{name}_bucket{{le=\"{}\"}} {reached}\n", Seconds(bound)));
    }
    put(out, format_args!("{name}_bucket{{le=\"+Inf\"}} {count}\n{name}_sum {}\n{name}_count {count}\n", Seconds(sum)));
}

/// Microseconds, printed as seconds.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}
