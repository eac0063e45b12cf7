import Domain

/// An account's holding of one asset.
public struct Balance: Hashable, Sendable {
  /// What it can use.
  public var free: Money = .zero
  /// What its open orders hold.
  public var locked: Money = .zero

  /// Both together.
  public var total: Money { free + locked }
}

/// Everybody's balances. Amounts move, they are never made or lost: the sum over all accounts plus the fees is constant.
public struct Ledger: Sendable {
  /// The assets' names in the order of their indices.
  public let assets: [String]
  /// What the venue has kept, by asset.
  public private(set) var fees: [Money]
  private var balances: [[Balance]] = []
  private var isUnlimited: [Bool] = []

  /// Nobody has anything yet.
  public init(assets: [String]) {
    self.assets = assets
    fees = Array(repeating: .zero, count: assets.count)
  }

  /// Number of accounts.
  public var accountCount: Int { balances.count }

  /// Adds an account and gives its index. An unlimited account may owe: its free balance can fall below zero.
  public mutating func addAccount(_ holdings: [Int: Money], isUnlimited: Bool = false) -> Int {
    balances.append(assets.indices.map { Balance(free: holdings[$0] ?? .zero) })
    self.isUnlimited.append(isUnlimited)
    return balances.count - 1
  }

  /// Index of an asset, or nil.
  public func asset(_ name: String) -> Int? { assets.firstIndex(of: name) }

  /// What an account holds.
  public func balance(_ account: Int, _ asset: Int) -> Balance { balances[account][asset] }

  /// True when the account can use that much.
  func canSpend(_ account: Int, _ asset: Int, _ amount: Money) -> Bool {
    isUnlimited[account] || balances[account][asset].free >= amount
  }

  /// Moves from free to locked; `canSpend` must hold.
  mutating func lock(_ account: Int, _ asset: Int, _ amount: Money) {
    balances[account][asset].free -= amount
    balances[account][asset].locked += amount
  }

  /// Moves from locked back to free.
  mutating func unlock(_ account: Int, _ asset: Int, _ amount: Money) {
    balances[account][asset].locked -= amount
    balances[account][asset].free += amount
    precondition(!balances[account][asset].locked.isNegative, "no order releases more than it holds")
  }

  /// Pays a locked amount to another account, which receives it less the fee.
  mutating func pay(_ asset: Int, _ amount: Money, from payer: Int, to receiver: Int, fee: Money) {
    balances[payer][asset].locked -= amount
    precondition(!balances[payer][asset].locked.isNegative, "no order pays more than it holds")
    balances[receiver][asset].free += amount - fee
    fees[asset] += fee
  }

  /// Puts an amount into an account or takes it out, as a deposit or a withdrawal would.
  public mutating func adjust(_ account: Int, _ asset: Int, by amount: Money) {
    balances[account][asset].free += amount
  }
}
