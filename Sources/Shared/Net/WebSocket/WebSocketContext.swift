import CWebSockets
import Glibc

/// libwebsockets' context with our one protocol. Sendable because other threads only call `lws_cancel_service`, which libwebsockets
/// allows from anywhere while the context lives; everything else happens on the client's thread.
final class WebSocketContext: @unchecked Sendable {
  /// The name under which connections find our callback; never sent.
  static let protocolName: StaticString = "apus"

  private(set) var pointer: OpaquePointer?
  private let protocols: UnsafeMutableBufferPointer<lws_protocols>
  /// Zeroes: libwebsockets neither pings nor hangs up by itself, the caller watches over idle connections.
  private let idlePolicy: UnsafeMutablePointer<lws_retry_bo_t>

  private static let receiveBufferBytes = 64 * 1_024
  private static let maxHeadBytes: UInt32 = 64 * 1_024

  init?(configuration: WebSocketClient.Configuration) {
    lws_set_log_level(0, nil)
    protocols = .allocate(capacity: 2)
    protocols.initialize(repeating: lws_protocols())
    idlePolicy = .allocate(capacity: 1)
    idlePolicy.initialize(to: lws_retry_bo_t())
    protocols[0].name = UnsafeRawPointer(Self.protocolName.utf8Start).assumingMemoryBound(to: CChar.self)
    protocols[0].callback = webSocketClientCallback
    protocols[0].rx_buffer_size = Self.receiveBufferBytes

    var info = lws_context_creation_info()
    info.port = CONTEXT_PORT_NO_LISTEN
    info.protocols = UnsafePointer(protocols.baseAddress)
    info.gid = -1
    info.uid = -1
    info.options = UInt64(LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT)
    info.pt_serv_buf_size = UInt32(Self.receiveBufferBytes)
    info.max_http_header_data2 = Self.maxHeadBytes
    info.max_http_header_pool2 = UInt32(configuration.maxConnections)
    info.user = Unmanaged.passUnretained(self).toOpaque()
    info.retry_and_idle_policy = UnsafePointer(idlePolicy)
    let seconds = UInt32(clamping: (configuration.connectTimeoutMilliseconds + 999) / 1_000)
    info.timeout_secs = seconds
    info.connect_timeout_secs = seconds
    if let caFile = configuration.caFile {
      guard access(caFile, R_OK) == 0 else { return nil }
      info.options |= UInt64(LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS)
      pointer = caFile.withCString { path in
        info.client_ssl_ca_filepath = path
        return lws_create_context(&info)
      }
    } else {
      pointer = lws_create_context(&info)
    }
    if pointer == nil { return nil }
  }

  deinit {
    destroy()
    protocols.deallocate()
    idlePolicy.deallocate()
  }

  func wakeUp() {
    if let pointer { lws_cancel_service(pointer) }
  }

  /// Closes every connection, whose callbacks run meanwhile. On the client's thread, once nobody wakes it any more.
  func destroy() {
    if let pointer { lws_context_destroy(pointer) }
    pointer = nil
  }

  /// What the callback tells; set while the client's thread serves.
  var loop: WebSocketClientLoop?
}
