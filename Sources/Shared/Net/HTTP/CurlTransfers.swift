import CCurl
import Runtime

/// libcurl's multi handle and the requests on it. libcurl says which sockets and which time it waits for; whoever holds the lock tells it
/// what has come, and it goes on from there without ever blocking.
final class CurlTransfers {
  /// Requests that have ended and were not taken yet.
  var ended: [HTTPDriver.Ended] = []

  private let multi: UnsafeMutableRawPointer
  private let configuration: HTTPClient.Configuration
  private let poller: Poller
  private let timer: Timer
  /// When libcurl wants to be called (monotonic nanoseconds), and what the timer is set to: never later, and rarely earlier.
  private var deadline = Int64.max
  private var alarm = Int64.max
  private var watched: Set<Int32> = []
  /// Under way, by easy handle.
  private var transfers: [UnsafeMutableRawPointer: HTTPTransfer] = [:]
  /// Easy handles to use again.
  private var spare: [UnsafeMutableRawPointer] = []
  private var isClosed = false

  init(_ configuration: HTTPClient.Configuration, poller: Poller, timer: Timer) throws {
    guard Self.curlIsReady, let multi = curl_multi_init() else { throw NetError("libcurl could not be initialised") }
    self.multi = multi
    self.configuration = configuration
    self.poller = poller
    self.timer = timer
    curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, configuration.maxIdleConnections)
    curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    let context = Unmanaged.passUnretained(self).toOpaque()
    curl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context)
    curl_multi_set_socket_function(multi) { _, socket, wanted, context, _ in
      CurlTransfers.from(context).watch(socket, wanted)
      return 0
    }
    curl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context)
    curl_multi_set_timer_function(multi) { _, milliseconds, context in
      CurlTransfers.from(context).deadline = milliseconds < 0 ? .max : monotonicNanoseconds() + Int64(milliseconds) * 1_000_000
      return 0
    }
  }

  deinit {
    curl_multi_set_socket_function(multi, nil)
    curl_multi_set_timer_function(multi, nil)
    for easy in spare { curl_easy_cleanup(easy) }
    curl_multi_cleanup(multi)
  }

  private static let curlIsReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  private static func from(_ context: UnsafeMutableRawPointer?) -> CurlTransfers {
    guard let context else { preconditionFailure("libcurl hands back the pointer it was given") }
    return Unmanaged<CurlTransfers>.fromOpaque(context).takeUnretainedValue()
  }

  private func watch(_ socket: Int32, _ wanted: Int32) {
    guard wanted != CURL_POLL_REMOVE else {
      if watched.remove(socket) != nil { poller.remove(socket) }
      return
    }
    var interest: Poller.Interest = []
    if wanted & CURL_POLL_IN != 0 { interest.insert(.readable) }
    if wanted & CURL_POLL_OUT != 0 { interest.insert(.writable) }
    let token = UInt64(UInt32(bitPattern: socket))
    if watched.insert(socket).inserted {
      poller.add(socket, token: token, interest)
    } else {
      poller.change(socket, token: token, interest)
    }
  }

  // MARK: What happens

  func begin(_ submission: HTTPClient.Submission) {
    let transfer = HTTPTransfer(submission: submission, configuration: configuration)
    guard !isClosed else { return report(transfer, transfer.failure(.shutDown, "the client was shut down")) }
    guard let easy = spare.popLast() ?? curl_easy_init() else {
      return report(transfer, transfer.failure(.unconnectable, "libcurl is out of memory"))
    }
    transfers[easy] = transfer
    transfer.prepare(easy)
    let code = curl_multi_add_handle(multi, easy)
    guard code == CURLM_OK else {
      return end(transfer, transfer.failure(.unconnectable, String(cString: curl_multi_strerror(code))))
    }
    drive(CURL_SOCKET_TIMEOUT, 0)
  }

  func socketIsReady(_ socket: Int32, _ happened: Poller.Interest) {
    var mask: Int32 = 0
    if happened.contains(.readable) { mask |= CURL_CSELECT_IN }
    if happened.contains(.writable) { mask |= CURL_CSELECT_OUT }
    if !happened.isDisjoint(with: .failed) { mask |= CURL_CSELECT_ERR }
    drive(socket, mask)
  }

  func timeHasCome() {
    timer.reset()
    alarm = .max
    if deadline <= monotonicNanoseconds() { drive(CURL_SOCKET_TIMEOUT, 0) } else { setAlarm() }
  }

  func endAll() {
    isClosed = true
    for transfer in transfers.values.sorted(by: { $0.submission.submitted < $1.submission.submitted }) {
      end(transfer, transfer.failure(.shutDown, "the client was shut down"))
    }
  }

  // MARK: libcurl

  private func drive(_ socket: Int32, _ mask: Int32) {
    // libcurl names a time once: what still waits for one afterwards, it names anew.
    if socket == CURL_SOCKET_TIMEOUT { deadline = .max }
    var running: Int32 = 0
    curl_multi_socket_action(multi, socket, mask, &running)
    boundary("http.command.sent", if: transfers.values.contains(where: \.isCommandUnderWay))
    var remaining: Int32 = 0
    while let message = curl_multi_info_read(multi, &remaining) {
      guard message.pointee.msg == CURLMSG_DONE, let transfer = transfers[message.pointee.easy_handle] else { continue }
      end(transfer, transfer.outcome(of: curl_message_result(message)))
    }
    setAlarm()
  }

  /// An alarm that comes early, for a request that has ended, costs less than setting it anew for each.
  private func setAlarm() {
    guard deadline < alarm else { return }
    alarm = deadline
    timer.set(alarm)
  }

  private func end(_ transfer: HTTPTransfer, _ outcome: HTTPOutcome) {
    guard let easy = transfer.easy else { preconditionFailure("a transfer that ends has begun") }
    curl_multi_remove_handle(multi, easy)
    transfers[easy] = nil
    curl_easy_reset(easy)
    transfer.releaseOptions()
    if spare.count < configuration.maxIdleConnections { spare.append(easy) } else { curl_easy_cleanup(easy) }
    report(transfer, outcome)
  }

  private func report(_ transfer: HTTPTransfer, _ outcome: HTTPOutcome) {
    let completion = HTTPCompletion(
      token: transfer.submission.token, outcome: outcome, submittedNanoseconds: transfer.submission.submitted,
      sentNanoseconds: transfer.sentNanoseconds, finished: .now())
    ended.append(HTTPDriver.Ended(submission: transfer.submission, completion: completion))
  }
}
