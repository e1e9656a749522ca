"""What a network costs on hardware: workload, NPU, CIM, vector unit, schedule."""

if __name__ != "archlock.hwcost":
    raise ImportError("import archlock.hwcost, not hwcost: the folder is a part of archlock")
