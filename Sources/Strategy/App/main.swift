print("Strategy")
