"""A collector: takes OTLP over HTTP and decodes it with the messages that OpenTelemetry publishes."""

import gzip
import http.server
import threading
import time

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def value_of(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(one) for one in any_value.array_value.values]
    return getattr(any_value, kind)


def attributes(of):
    named = {one.key: value_of(one.value) for one in of.attributes}
    assert len(named) == len(of.attributes), "an attribute stands there twice"
    return named


class Collector:
    """`answer`: the status that it answers with; `None` reads and never answers."""

    def __init__(self, answer=200):
        self.answer, self.bodies, self.headers, self.ended = answer, [], [], threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                assert self.headers["content-type"] == "application/x-protobuf"
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.bodies.append((self.path, body))
                outer.headers.append(dict(self.headers.items()))
                if outer.answer is None:
                    outer.ended.wait(60)
                    return
                self.send_response(outer.answer)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def decoded(self, path, message):
        return [message.FromString(body) for at, body in list(self.bodies) if at == path]

    def resources(self):
        traces, metrics = self.decoded("/v1/traces", ExportTraceServiceRequest), self.decoded("/v1/metrics", ExportMetricsServiceRequest)
        return [attributes(one.resource) for sent in traces for one in sent.resource_spans] + [attributes(one.resource) for sent in metrics for one in sent.resource_metrics]

    def spans(self):
        sent = self.decoded("/v1/traces", ExportTraceServiceRequest)
        return [span for one in sent for resource in one.resource_spans for scope in resource.scope_spans for span in scope.spans]

    def metrics(self):
        """Name to points: the last that was sent of each."""
        sent = self.decoded("/v1/metrics", ExportMetricsServiceRequest)
        every = [metric for one in sent for resource in one.resource_metrics for scope in resource.scope_metrics for metric in scope.metrics]
        return {metric.name: metric for metric in every}

    def wait(self, what, seconds=20):
        """What the collector has, once there is something of it."""
        until = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < until, "the collector got nothing: %s" % [path for path, _ in self.bodies]
            time.sleep(0.05)
        return found
