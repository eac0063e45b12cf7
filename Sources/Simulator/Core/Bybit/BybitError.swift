import Domain
import Wire

/// A refusal in Bybit's own code and words (error.mdx of the venue's documentation). The HTTP status is 200 for most.
struct BybitError: Error, Equatable {
  var status = 200
  let code: Int
  let message: String

  /// `{"retCode":10001,"retMsg":"…","result":{},"retExtInfo":{},"time":…}`
  func body(at now: Timestamp) -> [UInt8] { BybitEnvelope.bytes(code: code, message: message, Array("{}".utf8), at: now) }

  // The request.
  static func parameter(_ name: String) -> BybitError { BybitError(code: 10001, message: "params error: \(name) invalid") }
  static func missing(_ name: String) -> BybitError { BybitError(code: 10001, message: "params error: \(name) is required") }
  static let malformed = BybitError(code: 10001, message: "Request parameter error.")
  static let category = BybitError(code: 10001, message: "Illegal category")
  static let route = BybitError(status: 404, code: 10017, message: "Route not found.")

  // The sender.
  static func unsigned(timestamp: String, key: String, signature: String) -> BybitError {
    BybitError(code: 10001, message: "empty value: apiTimestamp[\(timestamp)] apiKey[\(key)] apiSignature[\(signature)]")
  }
  static func window(sent: Int64, now: Timestamp, window: Int64) -> BybitError {
    BybitError(
      code: 10002,
      message: "invalid request, please check your server timestamp or recv_window param. req_timestamp[\(sent)],"
        + "server_timestamp[\(now.milliseconds)],recv_window[\(window)]")
  }
  static let key = BybitError(code: 10003, message: "API key is invalid.")
  static let signature = BybitError(code: 10004, message: "Error sign, please check your signature generation algorithm.")
  static let permission = BybitError(code: 10005, message: "Permission denied, please check your API key permissions.")
  static let tooMany = BybitError(code: 10006, message: "Too many visits. Exceeded the API Rate Limit.")
  static let address = BybitError(status: 403, code: 403, message: "access too frequent")

  // The order.
  static let restricted = BybitError(code: 10027, message: "Transactions are banned.")
  static let tooManyOpen = BybitError(code: 110020, message: "Not allowed to have more than 500 active orders.")
  static let belowFilled = BybitError(
    code: 110064, message: "The modified contract quantity cannot be less than or equal to the filled quantity.")
  static let margin = BybitError(code: 170036, message: "You haven't enabled Cross Margin Trading yet.")
  static let timeInForce = BybitError(code: 170115, message: "Invalid timeInForce.")
  static let orderType = BybitError(code: 170116, message: "Invalid orderType.")
  static let side = BybitError(code: 170117, message: "Invalid side.")
  static let symbol = BybitError(code: 170121, message: "Invalid symbol.")
  static let tooLarge = BybitError(code: 170124, message: "Order amount too large.")
  static func data(_ name: String) -> BybitError {
    BybitError(code: 170130, message: "Data sent for paramter '\(name)' is not valid.")
  }
  static let balance = BybitError(code: 170131, message: "Insufficient balance.")
  static let pricePrecision = BybitError(code: 170134, message: "Order price has too many decimals.")
  static let tooSmall = BybitError(code: 170136, message: "Order quantity exceeded lower limit.")
  static let quantityPrecision = BybitError(code: 170137, message: "Order quantity has too many decimals.")
  static let valueTooSmall = BybitError(code: 170140, message: "Order value exceeded lower limit.")
  static let duplicate = BybitError(code: 170141, message: "Duplicate clientOrderId")
  static let amountPrecision = BybitError(code: 170148, message: "Market order amount decimal too long")
  static func buyPrice(_ limit: String) -> BybitError {
    BybitError(code: 170193, message: "Buy order price cannot be higher than \(limit).")
  }
  static func sellPrice(_ limit: String) -> BybitError {
    BybitError(code: 170194, message: "Sell order price cannot be lower than \(limit).")
  }
  static let noSuchOrder = BybitError(code: 170213, message: "Order does not exist.")
  static let unsupported = BybitError(code: 170227, message: "This feature is not supported.")
}

/// What surrounds every answer.
enum BybitEnvelope {
  static func bytes(code: Int = 0, message: String = "OK", _ result: [UInt8], at now: Timestamp) -> [UInt8] {
    JSONWriter.object(capacity: result.count + 128) { json in
      json.member("retCode", code)
      json.member("retMsg", message)
      json.name("result")
      json.raw(String(decoding: result, as: UTF8.self))
      json.name("retExtInfo")
      json.beginObject()
      json.endObject()
      json.milliseconds("time", now)
    }
  }
}
