import CCurl
import Runtime

/// What the client's thread does: hands submissions to libcurl, drives them and reports their ends.
final class HTTPClientLoop {
  private let client: HTTPClient
  private let multi: MultiHandle
  private let configuration: HTTPClient.Configuration
  /// Under way, by easy handle.
  private var transfers: [UnsafeMutableRawPointer: HTTPTransfer] = [:]
  /// Easy handles to use again.
  private var spare: [UnsafeMutableRawPointer] = []

  init(client: HTTPClient, multi: MultiHandle, configuration: HTTPClient.Configuration) {
    self.client = client
    self.multi = multi
    self.configuration = configuration
  }

  deinit {
    for easy in spare { curl_easy_cleanup(easy) }
  }

  func run() {
    while true {
      let (submissions, stopDeadline) = client.takeSubmissions()
      for submission in submissions { begin(submission) }
      var running: Int32 = 0
      curl_multi_perform(multi.pointer, &running)
      boundary("http.command.sent", if: transfers.values.contains(where: \.isCommandUnderWay))
      finishCompleted()
      var wait: Int64 = 1_000
      if let stopDeadline {
        let now = monotonicNanoseconds()
        if transfers.isEmpty || now >= stopDeadline { break }
        wait = min(wait, (stopDeadline - now) / 1_000_000 + 1)
      }
      curl_multi_poll(multi.pointer, nil, 0, Int32(wait), nil)
    }
    for transfer in transfers.values.sorted(by: { $0.submission.submitted < $1.submission.submitted }) {
      end(transfer, transfer.failure(.shutDown, "the client was shut down"))
    }
  }

  private func begin(_ submission: HTTPClient.Submission) {
    let transfer = HTTPTransfer(submission: submission, configuration: configuration)
    guard let easy = spare.popLast() ?? curl_easy_init() else {
      return report(transfer, transfer.failure(.unconnectable, "libcurl is out of memory"))
    }
    transfers[easy] = transfer
    transfer.prepare(easy)
    let code = curl_multi_add_handle(multi.pointer, easy)
    if code != CURLM_OK {
      end(transfer, transfer.failure(.unconnectable, String(cString: curl_multi_strerror(code))))
    }
  }

  private func finishCompleted() {
    var remaining: Int32 = 0
    while let message = curl_multi_info_read(multi.pointer, &remaining) {
      guard message.pointee.msg == CURLMSG_DONE, let transfer = transfers[message.pointee.easy_handle] else { continue }
      end(transfer, transfer.outcome(of: curl_message_result(message)))
    }
  }

  private func end(_ transfer: HTTPTransfer, _ outcome: HTTPOutcome) {
    guard let easy = transfer.easy else { preconditionFailure("a transfer that ends has begun") }
    curl_multi_remove_handle(multi.pointer, easy)
    transfers[easy] = nil
    curl_easy_reset(easy)
    transfer.releaseOptions()
    if spare.count < configuration.maxIdleConnections { spare.append(easy) } else { curl_easy_cleanup(easy) }
    report(transfer, outcome)
  }

  private func report(_ transfer: HTTPTransfer, _ outcome: HTTPOutcome) {
    client.countFinished()
    transfer.submission.sink(
      HTTPCompletion(
        token: transfer.submission.token, outcome: outcome, submittedNanoseconds: transfer.submission.submitted,
        sentNanoseconds: transfer.sentNanoseconds, finished: .now()))
  }
}
