print("Reconciler")
