print("Ingestor")
