import Wire

/// A refusal in Binance's own code and words (errors.md of the venue's documentation).
struct BinanceError: Error, Equatable {
  var status = 400
  let code: Int
  let message: String
  var retryAfterSeconds: Int64?

  /// `{"code":-1121,"msg":"Invalid symbol."}`
  var body: [UInt8] {
    JSONWriter.object { json in
      json.member("code", code)
      json.member("msg", message)
    }
  }

  static func filter(_ name: String) -> BinanceError { BinanceError(code: -1013, message: "Filter failure: \(name)") }

  // The request.
  static func illegalCharacters(_ name: String, legal: String) -> BinanceError {
    BinanceError(code: -1100, message: "Illegal characters found in parameter '\(name)'; legal range is '\(legal)'.")
  }
  static func duplicate(_ name: String) -> BinanceError {
    BinanceError(code: -1101, message: "Duplicate values for parameter '\(name)' detected.")
  }
  static func missing(_ name: String) -> BinanceError {
    BinanceError(code: -1102, message: "Mandatory parameter '\(name)' was not sent, was empty/null, or malformed.")
  }
  static func missingEither(_ first: String, _ second: String) -> BinanceError {
    BinanceError(code: -1102, message: "Param '\(first)' or '\(second)' must be sent, but both were empty/null!")
  }
  static func unread(read: Int, sent: Int) -> BinanceError {
    BinanceError(
      code: -1104, message: "Not all sent parameters were read; read '\(read)' parameter(s) but was sent '\(sent)'.")
  }
  static func empty(_ name: String) -> BinanceError { BinanceError(code: -1105, message: "Parameter '\(name)' was empty.") }
  static func notRequired(_ name: String) -> BinanceError {
    BinanceError(code: -1106, message: "Parameter '\(name)' sent when not required.")
  }
  static func overflow(_ name: String) -> BinanceError {
    BinanceError(code: -1108, message: "Parameter '\(name)' overflowed.")
  }
  static func tooPrecise(_ name: String) -> BinanceError {
    BinanceError(code: -1111, message: "Parameter '\(name)' has too much precision.")
  }
  static let timeInForce = BinanceError(code: -1115, message: "Invalid timeInForce.")
  static let orderType = BinanceError(code: -1116, message: "Invalid orderType.")
  static let side = BinanceError(code: -1117, message: "Invalid side.")
  static let symbol = BinanceError(code: -1121, message: "Invalid symbol.")
  static let symbolsAndSymbol = BinanceError(
    code: -1128, message: "Combination of optional parameters invalid.")
  static let moreThanADay = BinanceError(code: -1127, message: "More than 24 hours between startTime and endTime.")
  static func invalid(_ name: String) -> BinanceError {
    BinanceError(code: -1130, message: "Data sent for parameter '\(name)' is not valid.")
  }
  static let recvWindow = BinanceError(code: -1131, message: "recvWindow must be less than 60000.")
  static let cancelRestrictions = BinanceError(code: -1145, message: "Invalid cancelRestrictions")
  static let unknownPath = BinanceError(status: 404, code: -1000, message: "Path not found.")

  // The sender.
  static let outsideWindow = BinanceError(
    code: -1021, message: "Timestamp for this request is outside of the recvWindow.")
  static let aheadOfServer = BinanceError(
    code: -1021, message: "Timestamp for this request was 1000ms ahead of the server's time.")
  static let signature = BinanceError(code: -1022, message: "Signature for this request is not valid.")
  static let keyFormat = BinanceError(status: 401, code: -2014, message: "API-key format invalid.")
  static let unknownKey = BinanceError(
    status: 401, code: -2015, message: "Invalid API-key, IP, or permissions for action.")

  // The order.
  static func rejected(_ message: String) -> BinanceError { BinanceError(code: -2010, message: message) }
  static let restrictedAccount = rejected("This account may not place or cancel orders.")
  static let restrictedAccountCancel = BinanceError(code: -2011, message: "This account may not place or cancel orders.")
  static let unknownOrder = BinanceError(code: -2011, message: "Unknown order sent.")
  static let restrictedCancel = BinanceError(
    code: -2011, message: "Order was not canceled due to cancel restrictions.")
  static let noSuchOrder = BinanceError(code: -2013, message: "Order does not exist.")
}
