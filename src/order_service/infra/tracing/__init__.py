"""OpenTelemetry traces: spans of batches and requests, sent to a collector.

Who takes part wraps what it knows already (a handler, a client, an observer) and asks for the
current span; where tracing is off, nothing is wrapped. Only `otlp` knows OpenTelemetry, and it
is imported only when tracing is on. No attribute holds what came out of a message or a request.
"""
