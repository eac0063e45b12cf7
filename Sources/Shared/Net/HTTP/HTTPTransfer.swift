import CCurl
import Runtime

/// One request under way: its libcurl options, what has arrived, and whether bytes may have left.
///
/// libcurl repeats by itself a request whose reused connection closed before any answer: on a new connection, or on another idle one.
/// Its pre-request callback runs each time, after the connection (and TLS) stands and before the first byte of the request:
/// the first call marks the request as possibly sent, a second one is refused. So no request leaves twice, and "never called" proves
/// that nothing left.
final class HTTPTransfer {
  let submission: HTTPClient.Submission
  private(set) var easy: UnsafeMutableRawPointer?
  private(set) var sentNanoseconds: Int64?
  /// Something that may change the server's state, on its way.
  var isCommandUnderWay: Bool { sentNanoseconds != nil && submission.request.method != .get }

  private let configuration: HTTPClient.Configuration
  private var headerList: UnsafeMutablePointer<curl_slist>?
  /// Where libcurl writes what went wrong, a C string.
  private let errorText = UnsafeMutableBufferPointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private var headers = HTTPHeaders()
  private var headByteCount = 0
  private var isHeadComplete = false
  private var body: [UInt8] = []
  private var isTooLarge = false
  private var isExpired = false

  init(submission: HTTPClient.Submission, configuration: HTTPClient.Configuration) {
    self.submission = submission
    self.configuration = configuration
    errorText.initialize(repeating: 0)
  }

  deinit {
    errorText.deallocate()
  }

  /// Sets every option on a fresh or reset handle, which must be removed from libcurl before this object goes away.
  func prepare(_ easy: UnsafeMutableRawPointer) {
    self.easy = easy
    let request = submission.request
    curl_easy_set_string(easy, CURLOPT_URL, request.url)
    curl_easy_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https")
    curl_easy_set_long(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
    // The bytes of the URL are signed: no dot segments squeezed, no user taken out of it.
    curl_easy_set_long(easy, CURLOPT_PATH_AS_IS, 1)
    curl_easy_set_long(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
    curl_easy_set_long(easy, CURLOPT_NOSIGNAL, 1)
    // Else the end of a transfer waits for its name to be resolved, and all other transfers with it.
    curl_easy_set_long(easy, CURLOPT_QUICK_EXIT, 1)
    curl_easy_set_long(easy, CURLOPT_TCP_NODELAY, 1)
    curl_easy_set_string(easy, CURLOPT_PROXY, "")
    curl_easy_set_long(easy, CURLOPT_MAXAGE_CONN, configuration.idleConnectionSeconds)
    curl_easy_set_long(easy, CURLOPT_TIMEOUT_MS, request.timeoutMilliseconds)
    curl_easy_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, request.connectTimeoutMilliseconds)
    curl_easy_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
    curl_easy_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
    if let caFile = configuration.caFile {
      curl_easy_set_string(easy, CURLOPT_CAINFO, caFile)
      curl_easy_set_string(easy, CURLOPT_CAPATH, nil)
    }
    prepareMethod(easy, request)
    prepareHeaders(easy, request)
    prepareCallbacks(easy)
  }

  private func prepareMethod(_ easy: UnsafeMutableRawPointer, _ request: HTTPRequest) {
    switch request.method {
    case .get: curl_easy_set_long(easy, CURLOPT_HTTPGET, 1)
    case .head: curl_easy_set_long(easy, CURLOPT_NOBODY, 1)
    case .delete where request.body.isEmpty: curl_easy_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
    case .post, .put, .delete:
      curl_easy_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
      // A nil pointer would mean "read the body from a callback", so an empty body needs an address too.
      request.body.withUnsafeBytes { body in
        _ = curl_easy_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, body.baseAddress ?? UnsafeRawPointer(easy))
      }
      curl_easy_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method.rawValue)
    }
  }

  private func prepareHeaders(_ easy: UnsafeMutableRawPointer, _ request: HTTPRequest) {
    func append(_ line: String) { headerList = curl_slist_append(headerList, line) }
    // A name followed by nothing takes away what libcurl would add; a semicolon stands for an empty value.
    for unwanted in ["Expect:", "Accept:"] { append(unwanted) }
    if request.headers["content-type"] == nil { append("Content-Type:") }
    for field in request.headers.fields { append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)") }
    curl_easy_set_pointer(easy, CURLOPT_HTTPHEADER, headerList)
    curl_easy_set_string(easy, CURLOPT_USERAGENT, configuration.userAgent)
  }

  private func prepareCallbacks(_ easy: UnsafeMutableRawPointer) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    curl_easy_set_pointer(easy, CURLOPT_HEADERDATA, context)
    curl_easy_set_data_function(easy, CURLOPT_HEADERFUNCTION) { bytes, _, count, context in
      HTTPTransfer.from(context).receiveHeaderLine(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
    }
    curl_easy_set_pointer(easy, CURLOPT_WRITEDATA, context)
    curl_easy_set_data_function(easy, CURLOPT_WRITEFUNCTION) { bytes, _, count, context in
      HTTPTransfer.from(context).receiveBody(UnsafeRawBufferPointer(start: bytes, count: count)) ? count : 0
    }
    curl_easy_set_pointer(easy, CURLOPT_PREREQDATA, context)
    curl_easy_set_prereq_function(easy) { context, _, _, _, _ in
      HTTPTransfer.from(context).maySend() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
    }
    curl_easy_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText.baseAddress)
  }

  /// Frees what libcurl was lent. Only after the handle was removed and reset.
  func releaseOptions() {
    curl_slist_free_all(headerList)
    headerList = nil
    easy = nil
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer {
    guard let context else { preconditionFailure("libcurl hands back the pointer it was given") }
    return Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
  }

  private func maySend() -> Bool {
    guard sentNanoseconds == nil else { return false }
    let now = monotonicNanoseconds()
    if let deadline = submission.request.sendDeadlineNanoseconds, now > deadline {
      isExpired = true
      return false
    }
    sentNanoseconds = now
    return true
  }

  private func receiveHeaderLine(_ line: UnsafeRawBufferPointer) -> Bool {
    headByteCount += line.count
    guard headByteCount <= configuration.maxHeadBytes else {
      isTooLarge = true
      return false
    }
    // An interim answer (100) has a head of its own, which the final one replaces.
    if line.starts(with: "HTTP/".utf8) {
      headers = HTTPHeaders()
      isHeadComplete = false
    } else if trimmed(line).isEmpty {
      isHeadComplete = true
    } else if let colon = line.firstIndex(of: UInt8(ascii: ":")) {
      headers.append(trimmedText(line[..<colon]), trimmedText(line[(colon + 1)...]))
    }
    return true
  }

  private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard body.count + bytes.count <= configuration.maxBodyBytes else {
      isTooLarge = true
      return false
    }
    body.append(contentsOf: bytes)
    return true
  }

  /// What libcurl's result means for the caller.
  func outcome(of code: CURLcode) -> HTTPOutcome {
    // libcurl takes a head that breaks off for a whole answer without a body.
    if code == CURLE_OK, !isHeadComplete {
      return failure(.connectionLost, "the connection closed inside the head of the answer")
    }
    if code == CURLE_OK {
      var status = 0
      curl_easy_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
      return .response(HTTPResponse(status: status, headers: headers, body: body))
    }
    return failure(reason(of: code), describe(code))
  }

  /// A failure that is `notSent` exactly when libcurl never came to the point of sending.
  func failure(_ reason: HTTPFailure.Reason, _ detail: String) -> HTTPOutcome {
    let failure = HTTPFailure(reason: reason, detail: detail)
    return sentNanoseconds == nil ? .notSent(failure) : .maybeSent(failure)
  }

  private func reason(of code: CURLcode) -> HTTPFailure.Reason {
    if isExpired { return .expired }
    if isTooLarge { return .tooLarge }
    switch code {
    case CURLE_OPERATION_TIMEDOUT: return .timedOut
    case CURLE_COULDNT_RESOLVE_HOST: return .unresolvable
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CIPHER,
      CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CERTPROBLEM:
      return sentNanoseconds == nil ? .untrusted : .connectionLost
    case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING:
      return sentNanoseconds == nil ? .unconnectable : .malformedResponse
    default: return sentNanoseconds == nil ? .unconnectable : .connectionLost
    }
  }

  private func describe(_ code: CURLcode) -> String {
    let detail = trimmedText(UnsafeRawBufferPointer(errorText).prefix { $0 != 0 })
    let general = String(cString: curl_easy_strerror(code))
    return detail.isEmpty ? general : detail
  }
}

private func trimmedText(_ bytes: some BidirectionalCollection<UInt8>) -> String {
  String(decoding: trimmed(bytes), as: UTF8.self)
}
