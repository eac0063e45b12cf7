import CShim
import Glibc
import Runtime
import Synchronization

/// A program started by a test, ended by its process id at the latest when this object goes away, when the tests end, or when they
/// crash. Its output goes to a file that can be read at any time.
public final class ChildProcess: Sendable {
  /// The process id.
  public let processID: pid_t
  private let endSignal: Int32
  private let outputFile: String
  private let directory: TemporaryDirectory
  private let exitStatus = Mutex<Int32?>(nil)

  /// Starts a program (a path, or a name to find in PATH) with more environment variables. As root, `user` runs it as that user.
  /// `endSignal` is how the program likes to be ended.
  public init(
    _ program: String, _ arguments: [String] = [], environment: [String: String] = [:], user: String? = nil,
    endSignal: Int32 = SIGTERM
  ) throws {
    self.endSignal = endSignal
    directory = try TemporaryDirectory()
    outputFile = directory.path + "/output"
    // setpriv ends the child when its parent thread dies, which is why one immortal thread does all the spawning.
    var command = ["setpriv", "--pdeathsig", "KILL"]
    if let user, getuid() == 0 { command += ["--reuid", user, "--regid", user, "--clear-groups"] }
    command += ["env", "-C", "/", program] + arguments
    let variables = processEnvironment().merging(environment) { _, new in new }
    processID = try Spawner.shared.spawn(command, variables.map { "\($0.key)=\($0.value)" }.sorted(), outputFile)
    Leftovers.shared.add(processID, endedBy: endSignal)
  }

  deinit { stop(timeoutMilliseconds: 2_000) }

  /// Everything that the program has printed so far, errors included.
  public var output: String {
    (try? readFile(outputFile)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// True until the program ends.
  public var isRunning: Bool { reap(WNOHANG) == nil }

  /// Sends a signal.
  public func signal(_ number: Int32) {
    exitStatus.withLock { status in
      // After the end the id may belong to somebody else.
      if status == nil { kill(processID, number) }
    }
  }

  /// Stops the program in its tracks, or lets it go on; returns once none of its threads runs any more. A signal alone says only that they
  /// will: until the kernel has told each of them, they go on.
  public func freeze(_ frozen: Bool) {
    signal(frozen ? SIGSTOP : SIGCONT)
    guard frozen else { return }
    let stands = waitUntil(timeoutMilliseconds: 30_000) { threadStates.allSatisfy { $0 == "T" } }
    precondition(stands, "process \(processID) was told to stop and goes on")
  }

  /// The kernel's letter for the state of each thread, which stands behind the program's name in brackets. A thread that has ended meanwhile
  /// has none.
  private var threadStates: [Character] {
    let threads = (try? listDirectory("/proc/\(processID)/task")) ?? []
    return threads.compactMap { thread in
      guard let bytes = try? readFile("/proc/\(processID)/task/\(thread)/stat") else { return nil }
      return String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.first { $0 != " " }
    }
  }

  /// Waits for the end; gives the exit code, or 128 + the signal's number. nil when the time is over first.
  public func wait(timeoutMilliseconds: Int) -> Int32? {
    var code: Int32?
    _ = waitUntil(timeoutMilliseconds: timeoutMilliseconds) {
      code = reap(WNOHANG)
      return code != nil
    }
    return code
  }

  /// Ends the program: by its end signal (or another), and SIGKILL when that did not help in time. Gives the exit code as `wait` does.
  @discardableResult
  public func stop(signal number: Int32? = nil, timeoutMilliseconds: Int = 5_000) -> Int32 {
    signal(number ?? endSignal)
    if let code = wait(timeoutMilliseconds: timeoutMilliseconds) { return code }
    signal(SIGKILL)
    return reap(0) ?? 128 + SIGKILL
  }

  private func reap(_ options: Int32) -> Int32? {
    exitStatus.withLock { known in
      if let known { return known }
      var status: Int32 = 0
      guard waitpid(processID, &status, options) == processID else { return nil }
      let signal = status & 0x7F
      known = signal == 0 ? (status >> 8) & 0xFF : 128 + signal
      Leftovers.shared.remove(processID)
      return known
    }
  }
}

/// The thread that spawns: children are told to die with the thread that started them.
private final class Spawner: Sendable {
  static let shared = Spawner()
  private let jobs = BoundedQueue<@Sendable () -> Void>(capacity: 64)

  private init() {
    do {
      let jobs = self.jobs
      _ = try NamedThread("spawner") {
        while case .element(let job) = jobs.pop() { job() }
      }
    } catch {
      preconditionFailure("no thread to start children from: \(error)")
    }
  }

  func spawn(_ command: [String], _ environment: [String], _ outputFile: String) throws -> pid_t {
    let answer = BoundedQueue<Result<pid_t, SystemError>>(capacity: 1)
    jobs.push { answer.push(Spawner.start(command, environment, outputFile)) }
    guard case .element(let result) = answer.pop() else { preconditionFailure("the spawner always answers") }
    return try result.get()
  }

  private static func start(
    _ command: [String], _ environment: [String], _ outputFile: String
  ) -> Result<pid_t, SystemError> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, outputFile, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    // Tests beside this one may have a thousand sockets open; PostgreSQL counts what it inherits and refuses to start.
    apus_spawn_close_from(&actions, 3)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var defaults = sigset_t()
    sigfillset(&defaults)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let argumentPointers = command.map { strdup($0) } + [nil]
    let environmentPointers = environment.map { strdup($0) } + [nil]
    defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
    var processID: pid_t = 0
    let code = posix_spawnp(&processID, command[0], &actions, &attributes, argumentPointers, environmentPointers)
    return code == 0 ? .success(processID) : .failure(SystemError("start \(command.joined(separator: " "))", code: code))
  }
}
