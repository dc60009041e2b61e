//! An exchange as metrics. Every exchange counts, whether or not its spans are wanted.

use bartizan_gateway::{Called, Observed};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};

use super::names::{self, Metric};
use super::spans::{failure, vendor, word};

/// What is measured.
pub struct Instruments {
    tokens: Histogram<u64>,
    duration: Histogram<f64>,
    first_chunk: Histogram<f64>,
}

impl Instruments {
    /// Makes them.
    pub fn new(meter: &Meter) -> Self {
        let seconds = |of: &Metric| {
            let histogram = meter.f64_histogram(of.name).with_unit(of.unit).with_description(of.about);
            histogram.with_boundaries(of.bounds.to_vec()).build()
        };
        let of = names::TOKEN_USAGE;
        let tokens = meter.u64_histogram(of.name).with_unit(of.unit).with_description(of.about);
        Self {
            tokens: tokens.with_boundaries(of.bounds.to_vec()).build(),
            duration: seconds(&names::OPERATION_DURATION),
            first_chunk: seconds(&names::TIME_TO_FIRST_CHUNK),
        }
    }

    /// Counts one exchange.
    pub fn record(&self, observed: &Observed) {
        observed.calls.iter().for_each(|call| self.call(call));
    }

    /// Only calls that ask a model for something are of the conventions.
    fn call(&self, call: &Called) {
        let Some(operation) = call.operation else { return };
        let mut about = vec![
            KeyValue::new(names::OPERATION_NAME, word(operation)),
            KeyValue::new(names::PROVIDER_NAME, vendor(call.vendor)),
            KeyValue::new(names::SERVER_ADDRESS, call.host.clone()),
            KeyValue::new(names::SERVER_PORT, i64::from(call.port)),
        ];
        about.extend(call.model.clone().map(|model| KeyValue::new(names::REQUEST_MODEL, model)));
        about.extend(call.answered_by.clone().map(|model| KeyValue::new(names::RESPONSE_MODEL, model)));
        if let Some(first) = call.first_chunk.filter(|_| call.failure.is_none()) {
            self.first_chunk.record(first.as_secs_f64(), &about);
        }
        // A call that failed has no usage to compare others with.
        for (kind, tokens) in [(names::INPUT, call.usage.input), (names::OUTPUT, call.usage.output)] {
            let Some(tokens) = tokens.filter(|_| call.failure.is_none()) else { continue };
            about.push(KeyValue::new(names::TOKEN_TYPE, kind));
            self.tokens.record(tokens, &about);
            about.pop();
        }
        about.extend(call.failure.map(|how| KeyValue::new(names::ERROR_TYPE, failure(how))));
        self.duration.record(call.lasted.as_secs_f64(), &about);
    }
}
