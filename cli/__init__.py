"""The command line: thin click commands over the library, no logic of their own."""

if __name__ != "archlock.cli":
    raise ImportError("import archlock.cli, not cli: the folder is a part of archlock")
