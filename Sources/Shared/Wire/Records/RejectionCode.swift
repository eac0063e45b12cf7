/// Why an order was refused or a record could not be read. The numbers are stable: hundreds name the check in the order in which
/// checks run.
public enum RejectionCode: Int, CaseIterable, Sendable {
  /// The account is halted: all but cancels are refused.
  case halted = 101
  /// Only orders that reduce the position pass.
  case reduceOnly = 102
  /// RiskGate has not restored its state, or not read `control` and `limits`.
  case notReady = 103

  /// Not JSON, not an object, a repeated name, a null payload.
  case malformed = 201
  /// A name outside the known set: side, type, action, time in force.
  case unknownValue = 202
  /// A field that must be there is not.
  case missingField = 203
  /// A number that is not a decimal number.
  case invalidNumber = 204
  /// A quantity, price or amount that is zero or negative.
  case notPositive = 205
  /// More digits behind the point than we hold.
  case tooPrecise = 206
  /// A number beyond our range.
  case outOfRange = 207
  /// An identifier outside `[A-Za-z0-9._-]{1,64}`.
  case invalidIdentifier = 208
  /// Fields that exclude each other.
  case contradiction = 209
  /// A record larger than the limit.
  case tooLarge = 210
  /// A record on a partition that is not its account's, after it was re-keyed.
  case wrongPartition = 211
  /// The partition holds as many accounts as it may.
  case tooManyAccounts = 212
  /// A record such as only a partition's owner writes, without its epoch.
  case unfenced = 213
  /// No venue lists the symbol.
  case unknownInstrument = 220
  /// The venue has halted the symbol.
  case notTrading = 221
  /// The price is no multiple of the tick.
  case tick = 222
  /// The price is outside the venue's range.
  case priceRange = 223
  /// The quantity is no multiple of the lot.
  case lot = 224
  /// The quantity is outside the venue's range.
  case quantityRange = 225
  /// The notional is below the venue's minimum.
  case minimumNotional = 226
  /// The venue is not one of ours.
  case unknownVenue = 227

  /// The id was used before, with other content.
  case duplicateIdentifier = 301
  /// `expires_at` has passed.
  case expired = 302
  /// The record lay too long on the topic.
  case stale = 303
  /// The order to cancel or replace is not known.
  case unknownTarget = 304

  /// No valid book that is young enough.
  case noReference = 401
  /// The limit lies too far through the reference.
  case priceCollar = 501
  /// The notional is above the limit.
  case orderSize = 601
  /// The position would pass the limit.
  case position = 701
  /// The base asset has no position limit.
  case noPositionLimit = 702
  /// The account has as many live orders as it may.
  case tooManyOrders = 703
  /// Too many orders in the window.
  case orderRate = 801
  /// The day's loss has reached the limit.
  case dailyLoss = 901
}
