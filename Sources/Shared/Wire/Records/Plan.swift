import Domain

/// A record of type `plan` on `executions`: how an approved order will be carried out. Acknowledged before anything is sent, and
/// carried out, never made again, by whoever recovers.
public struct Plan: Hashable, Sendable {
  /// One order at one venue.
  public struct Child: Hashable, Sendable {
    /// 0, 1, …
    public var number: Int
    /// Where.
    public var venue: Venue
    /// The id that the venue is given: derived from deployment, account, client order id and number.
    public var venueClientID: String
    /// Base quantity.
    public var quantity: Quantity
    /// The limit.
    public var price: Price

    /// A child.
    public init(number: Int, venue: Venue, venueClientID: String, quantity: Quantity, price: Price) {
      self.number = number
      self.venue = venue
      self.venueClientID = venueClientID
      self.quantity = quantity
      self.price = price
    }
  }

  /// The approval that it carries out.
  public var approval: Approval
  /// What is to be bought or sold. The children may add up to less, when no venue has room for the rest; never to more.
  public var quantity: Quantity
  /// What will be sent.
  public var children: [Child]
  /// Where the approval lies on `orders.approved`, same partition.
  public var approvalOffset: Int64?
  /// OrderManager's time.
  public var time: Timestamp

  /// A plan for `quantity`, by default what the children add up to.
  public init(
    approval: Approval, quantity: Quantity? = nil, children: [Child], approvalOffset: Int64? = nil, time: Timestamp
  ) {
    self.approval = approval
    self.quantity = quantity ?? children.reduce(.zero) { $0 + $1.quantity }
    self.children = children
    self.approvalOffset = approvalOffset
    self.time = time
  }

  init(_ reader: RecordReader) throws(RecordError) {
    approval = try Approval(try reader.require("approval", try reader.object("approval")))
    let stated: Quantity? = try reader.decimal("quantity")
    quantity = .zero
    children = []
    for child in try reader.objects("children") {
      children.append(
        Child(
          number: Int(try child.require("child", try child.integer("child"))),
          venue: try child.require("venue", try child.identifier("venue")),
          venueClientID: try child.require("venue_client_id", try child.foreignID("venue_client_id")),
          quantity: try child.require("quantity", try child.decimal("quantity")),
          price: try child.require("price", try child.decimal("price"))))
    }
    // Readers add the quantities up.
    let total = children.reduce(Int128(0)) { $0 + Int128($1.quantity.units) }
    guard total <= Int128(Int64.max), children.allSatisfy({ $0.quantity.isPositive && $0.price.isPositive }) else {
      throw RecordError(.outOfRange, "A quantity or price of the plan is not above zero, or its quantities are too large.")
    }
    quantity = stated ?? Quantity(units: Int64(total))
    guard Int128(quantity.units) >= total else {
      throw RecordError(.outOfRange, "The plan's children are more than the order.")
    }
    approvalOffset = try reader.integer("approval_offset")
    time = try reader.require("time", try reader.time("time"))
  }

  func write(to writer: inout JSONWriter) {
    writer.member("type", "plan")
    writer.member("account", approval.request.account)
    writer.member("client_order_id", approval.clientOrderID)
    writer.member("status", OrderStatus.submitting)
    writer.member("quantity", quantity)
    writer.name("children")
    writer.beginArray()
    for child in children {
      writer.beginObject()
      writer.member("child", child.number)
      writer.member("venue", child.venue)
      writer.member("venue_client_id", child.venueClientID)
      writer.member("quantity", child.quantity)
      writer.member("price", child.price)
      writer.endObject()
    }
    writer.endArray()
    writer.member("approval_offset", approvalOffset)
    writer.member("time", time)
    writer.name("approval")
    writer.raw(String(decoding: approval.encoded(), as: UTF8.self))
  }
}
