import Glibc
import PipelineSimulation

// Simulates the whole pipeline many times and says what did not hold.
// `Pipeline --runs 10000 [--from SEED] [--threads 2] [--mutation NAME] [--trace]`; a run is had again by its seed.
do {
  let arguments = try PipelineArguments(CommandLine.arguments.dropFirst())
  exit(Campaign(arguments).run())
} catch {
  write("\(error)\n", to: STDERR_FILENO)
  exit(64)
}
