"""The accounts for other services, over gRPC; see schemas/accounts/v1/accounts.proto.

Whoever reaches the port may call: it is for services, in a network of their own or with
certificates
(`accounts.grpc`). The same use cases answer as over HTTP.
"""
