"""OpenTelemetry traces: spans of batches and requests, sent to a collector.

Who takes part wraps what it knows already (a handler, a client, an observer) and asks for the
current span; where tracing is off, nothing is wrapped. Only `otlp` knows OpenTelemetry, and it
is imported only when tracing is on (docs/adr/0019-own-spans.md). A trace leaves the process as
text, a `traceparent`, and comes in as such: in a header or in a column of a table. No attribute
holds what came out of a message or a request.
"""
