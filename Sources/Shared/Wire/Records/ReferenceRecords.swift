import Domain

/// One asset's balance at a venue.
public struct AssetBalance: Hashable, Sendable {
  /// The asset.
  public var asset: String
  /// What can be used.
  public var free: Money
  /// What open orders hold.
  public var locked: Money

  /// A balance.
  public init(asset: String, free: Money, locked: Money) {
    self.asset = asset
    self.free = free
    self.locked = locked
  }
}

/// A record on `balances`: everything one account holds at one venue. Assets of zero are left out.
public struct Balances: Hashable, Sendable {
  /// Whose.
  public var account: Account
  /// Where.
  public var venue: Venue
  /// Sorted by asset.
  public var assets: [AssetBalance]
  /// The venue's time, or the start of the query.
  public var time: Timestamp

  /// Balances of one account at one venue.
  public init(account: Account, venue: Venue, assets: [AssetBalance], time: Timestamp) {
    self.account = account
    self.venue = venue
    self.assets = assets
    self.time = time
  }

  /// The record's key.
  public var key: String { "\(account)+\(venue)" }

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let reader = try RecordReader(bytes)
    account = try reader.require("account", try reader.identifier("account"))
    venue = try reader.require("venue", try reader.identifier("venue"))
    assets = []
    for asset in try reader.objects("assets") {
      assets.append(
        AssetBalance(
          asset: try asset.require("asset", try asset.string("asset")),
          free: try asset.require("free", try asset.decimal("free")),
          locked: try asset.require("locked", try asset.decimal("locked"))))
    }
    time = try reader.time("time") ?? .zero
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("account", account)
      writer.member("venue", venue)
      writer.name("assets")
      writer.beginArray()
      for asset in assets {
        writer.beginObject()
        writer.member("asset", asset.asset)
        writer.member("free", asset.free)
        writer.member("locked", asset.locked)
        writer.endObject()
      }
      writer.endArray()
      writer.member("time", time)
    }
  }
}

extension Instrument {
  /// The key of its record on `instruments`.
  public var key: String { "\(venue)+\(symbol)" }

  /// Reads a record on `instruments`.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let reader = try RecordReader(bytes)
    self.init(
      venue: try reader.require("venue", try reader.identifier("venue")),
      symbol: try reader.require("symbol", try reader.symbol("symbol")),
      venueSymbol: try reader.require("venue_symbol", try reader.string("venue_symbol")),
      tick: try reader.require("tick", try reader.decimal("tick")),
      minimumPrice: try reader.decimal("min_price") ?? .zero,
      maximumPrice: try reader.decimal("max_price") ?? .zero,
      lot: try reader.require("lot", try reader.decimal("lot")),
      minimumQuantity: try reader.decimal("min_quantity") ?? .zero,
      maximumQuantity: try reader.decimal("max_quantity") ?? .zero,
      minimumNotional: try reader.decimal("min_notional") ?? .zero,
      isTrading: try reader.bool("trading") ?? true,
      multiplier: try reader.integer("multiplier") ?? 1,
      priceBandBasisPoints: try reader.integer("price_band_bps") ?? 0)
    let isNegative =
      [tick, minimumPrice, maximumPrice].contains(where: \.isNegative)
      || [lot, minimumQuantity, maximumQuantity].contains(where: \.isNegative) || minimumNotional.isNegative
    guard !isNegative else { throw RecordError(.outOfRange, "A limit of the instrument is below zero.") }
    guard multiplier > 0 else { throw RecordError(.outOfRange, "A contract stands for one unit at least.") }
    guard priceBandBasisPoints >= 0 else { throw RecordError(.outOfRange, "A price band is not below zero.") }
  }

  /// The bytes of its record on `instruments`.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("venue", venue)
      writer.member("symbol", symbol.description)
      writer.member("venue_symbol", venueSymbol)
      writer.member("tick", tick)
      writer.member("min_price", minimumPrice)
      writer.member("max_price", maximumPrice)
      writer.member("lot", lot)
      writer.member("min_quantity", minimumQuantity)
      writer.member("max_quantity", maximumQuantity)
      writer.member("min_notional", minimumNotional)
      writer.member("trading", isTrading)
      writer.member("multiplier", multiplier)
      writer.member("price_band_bps", priceBandBasisPoints)
    }
  }
}

/// A record on `alerts`: what a person should know.
public struct Alert: Hashable, Sendable {
  /// How urgent it is.
  public enum Severity: String, CaseIterable, Sendable {
    /// Worth reading.
    case info
    /// Needs a look soon.
    case warning
    /// Needs a person now.
    case critical
  }

  /// Which program raises it; the record's key.
  public var service: String
  /// How urgent.
  public var severity: Severity
  /// A stable word for what it is: `order_unknown`, `balance_mismatch`, ….
  public var code: String
  /// The sentence for people.
  public var message: String
  /// Whose, when it concerns one account.
  public var account: Account?
  /// Which order, when it concerns one.
  public var clientOrderID: ClientOrderID?
  /// When.
  public var time: Timestamp

  /// An alert.
  public init(
    service: String, severity: Severity, code: String, message: String, account: Account? = nil,
    clientOrderID: ClientOrderID? = nil,
    time: Timestamp
  ) {
    self.service = service
    self.severity = severity
    self.code = code
    self.message = message
    self.account = account
    self.clientOrderID = clientOrderID
    self.time = time
  }

  /// Reads the record's bytes.
  public init(_ bytes: [UInt8]) throws(RecordError) {
    let reader = try RecordReader(bytes)
    service = try reader.require("service", try reader.string("service"))
    severity = try reader.require("severity", try reader.token("severity"))
    code = try reader.require("code", try reader.string("code"))
    message = try reader.string("message") ?? ""
    account = try reader.identifier("account")
    clientOrderID = try reader.identifier("client_order_id")
    time = try reader.time("time") ?? .zero
  }

  /// The record's bytes.
  public func encoded() -> [UInt8] {
    JSONWriter.object { writer in
      writer.member("v", 1)
      writer.member("service", service)
      writer.member("severity", severity)
      writer.member("code", code)
      writer.member("message", message)
      writer.member("account", account)
      writer.member("client_order_id", clientOrderID)
      writer.member("time", time)
    }
  }
}
