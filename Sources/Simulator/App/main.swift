import SimulatorCore

print("Simulator")
