/// What the venue's REST interface offers here.
enum BybitEndpoint: String, CaseIterable {
  case time = "GET /v5/market/time"
  case instruments = "GET /v5/market/instruments-info"
  case orderBook = "GET /v5/market/orderbook"
  case tickers = "GET /v5/market/tickers"
  case trades = "GET /v5/market/recent-trade"
  case klines = "GET /v5/market/kline"
  case fundingHistory = "GET /v5/market/funding/history"
  case create = "POST /v5/order/create"
  case amend = "POST /v5/order/amend"
  case cancel = "POST /v5/order/cancel"
  case cancelAll = "POST /v5/order/cancel-all"
  case openOrders = "GET /v5/order/realtime"
  case orderHistory = "GET /v5/order/history"
  case executions = "GET /v5/execution/list"
  case positions = "GET /v5/position/list"
  case wallet = "GET /v5/account/wallet-balance"
  case accountInfo = "GET /v5/account/info"
  case feeRate = "GET /v5/account/fee-rate"
  case coins = "GET /v5/asset/coin/query-info"
  case keyInfo = "GET /v5/user/query-api"

  /// True when the request must carry a key and a signature.
  var isSigned: Bool { !rawValue.contains("/v5/market/") }

  /// True for what changes orders: its answer says only that the venue will look at it.
  var isTrading: Bool {
    switch self {
    case .create, .amend, .cancel, .cancelAll: true
    default: false
    }
  }

  /// Requests of one account in a second (rate-limit.mdx of the venue's documentation); nil where only the address counts.
  func limitPerSecond(orders: Int64) -> Int64? {
    switch self {
    case _ where isTrading: orders
    case .openOrders, .orderHistory, .executions, .positions, .wallet, .accountInfo: 50
    case .feeRate, .keyInfo: 10
    case .coins: 5
    default: nil
    }
  }
}

/// The venue's product lines. Only spot can be traded here; linear perpetuals have market data; the others are empty.
enum BybitCategory: String, CaseIterable {
  case spot, linear, inverse, option

  /// True for the markets that the venue lists under this category.
  func lists(_ market: Market) -> Bool {
    switch self {
    case .spot: !market.instrument.symbol.isPerpetual
    case .linear: market.instrument.symbol.isPerpetual
    case .inverse, .option: false
    }
  }

  init(of market: Market) { self = market.instrument.symbol.isPerpetual ? .linear : .spot }
}
