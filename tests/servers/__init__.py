"""Real servers that tests start themselves: on a free port of loopback, in a folder of their own, ended again."""
