"""Looks for machines on the network, proposes them to the owner, and serves those that were accepted."""
