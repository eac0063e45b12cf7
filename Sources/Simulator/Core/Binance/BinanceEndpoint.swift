/// What the venue's REST interface offers here.
enum BinanceEndpoint: String, CaseIterable {
  case ping = "GET /api/v3/ping"
  case time = "GET /api/v3/time"
  case exchangeInfo = "GET /api/v3/exchangeInfo"
  case depth = "GET /api/v3/depth"
  case trades = "GET /api/v3/trades"
  case aggregateTrades = "GET /api/v3/aggTrades"
  case averagePrice = "GET /api/v3/avgPrice"
  case dayTicker = "GET /api/v3/ticker/24hr"
  case priceTicker = "GET /api/v3/ticker/price"
  case bookTicker = "GET /api/v3/ticker/bookTicker"
  case placeOrder = "POST /api/v3/order"
  case testOrder = "POST /api/v3/order/test"
  case queryOrder = "GET /api/v3/order"
  case cancelOrder = "DELETE /api/v3/order"
  case openOrders = "GET /api/v3/openOrders"
  case cancelOpenOrders = "DELETE /api/v3/openOrders"
  case allOrders = "GET /api/v3/allOrders"
  case myTrades = "GET /api/v3/myTrades"
  case account = "GET /api/v3/account"
  case orderRate = "GET /api/v3/rateLimit/order"
  // Asked for by general clients as they start; there is nothing of the kind here.
  case marginPairs = "GET /sapi/v1/margin/allPairs"
  case isolatedPairs = "GET /sapi/v1/margin/isolated/allPairs"
  case coins = "GET /sapi/v1/capital/config/getall"
  case linearContracts = "GET /fapi/v1/exchangeInfo"
  case inverseContracts = "GET /dapi/v1/exchangeInfo"

  /// True when the request must carry a key and a signature.
  var isSigned: Bool {
    switch self {
    case .ping, .time, .exchangeInfo, .depth, .trades, .aggregateTrades, .averagePrice, .dayTicker, .priceTicker, .bookTicker,
      .marginPairs, .isolatedPairs, .coins, .linearContracts, .inverseContracts:
      false
    case .placeOrder, .testOrder, .queryOrder, .cancelOrder, .openOrders, .cancelOpenOrders, .allOrders, .myTrades, .account,
      .orderRate:
      true
    }
  }

  /// True for what goes through the matching engine: its answer takes time.
  var isTrading: Bool { self == .placeOrder || self == .cancelOrder || self == .cancelOpenOrders }

  /// What the request costs (rest-api.md of the venue's documentation). Bad values cost as if they were absent.
  func weight(_ parameters: BinanceParameters) -> Int64 {
    let isOneSymbol = parameters.peek("symbol") != nil
    switch self {
    case .ping, .time, .placeOrder, .testOrder, .cancelOrder, .cancelOpenOrders, .marginPairs, .isolatedPairs, .coins,
      .linearContracts, .inverseContracts:
      return 1
    case .exchangeInfo, .account, .allOrders: return 20
    case .orderRate: return 40
    case .queryOrder, .aggregateTrades: return 4
    case .trades: return 25
    case .averagePrice: return 2
    case .dayTicker: return isOneSymbol ? 2 : 80
    case .priceTicker, .bookTicker: return isOneSymbol ? 2 : 4
    case .openOrders: return isOneSymbol ? 6 : 80
    case .myTrades: return parameters.peek("orderId") == nil ? 20 : 5
    case .depth:
      switch parameters.peek("limit").flatMap({ Int64($0) }) ?? 100 {
      case ...100: return 5
      case ...500: return 25
      case ...1_000: return 50
      default: return 250
      }
    }
  }
}
