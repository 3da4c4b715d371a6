"""Image engines behind one port: a file for each kind of server."""
