import Glibc
import Runtime

Signals.ignoreBrokenPipes()
exit(runCommand(Array(CommandLine.arguments.dropFirst())).rawValue)
