print("OrderManager")
