import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** The status of a program that a closed pipe has ended, as shells say it. */
const closedPipe = 128 + constants.signals.SIGPIPE;

/**
 * Ends the process on Ctrl-C and its like, and when nobody reads its output any more, with the status that shells give
 * such an end. It ends without waiting for anything, so that there is no closing that a second signal could break off;
 * temporary folders go with it.
 * @param sayGoodbye what is still to be said on a signal
 */
export function endWithSignals(sayGoodbye: () => void = () => {}): void {
  for (const signal of signals) {
    process.on(signal, () => {
      sayGoodbye();
      process.exit(128 + constants.signals[signal]);
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if ('code' in error && error.code === 'EPIPE') process.exit(closedPipe);
      throw error;
    });
  }
}
