print("RiskGate")
