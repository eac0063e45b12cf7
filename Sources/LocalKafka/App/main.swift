print("LocalKafka")
