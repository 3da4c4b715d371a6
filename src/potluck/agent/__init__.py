"""The node agent: one small process that tells what a machine has left.

It is started on machines with little memory, so it imports the standard library and ``potluck.core``, nothing else.
"""
