"""The native API, ``/api/v1/*``: `shapes` say what is sent, `routes` where, one module per noun how."""
